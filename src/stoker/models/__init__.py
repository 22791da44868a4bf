"""What a model is, and where it lies."""
