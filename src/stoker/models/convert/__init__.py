"""From a folder of Hugging Face files to one model file."""
