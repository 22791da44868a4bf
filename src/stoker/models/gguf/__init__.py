"""GGUF files: bounded readers of their headers, their parts and their names."""
