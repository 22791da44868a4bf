"""A model from its source into the store, step by step."""
