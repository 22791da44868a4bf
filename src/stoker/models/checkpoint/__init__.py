"""Folders of Hugging Face files: documents, tensors, and what they say of a model."""
