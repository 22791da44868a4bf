"""Plans as files: written down, read strictly, and executed where this machine can honour them."""
