"""Where models come from: a file, the web, Hugging Face, Ollama's registry, OCI registries."""
