"""Stoker: a local model runtime that can be left running."""
