"""How fast a model is expected to be, as intervals. Pure."""
