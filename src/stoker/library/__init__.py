"""The library: one model, loaded and asked from Python."""
