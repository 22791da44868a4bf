"""The facts of a model where it lies, before its weights are fetched."""
