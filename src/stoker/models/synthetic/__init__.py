"""Synthetic models: real files with random weights."""
