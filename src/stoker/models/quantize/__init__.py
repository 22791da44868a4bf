"""Smaller files from larger ones: which type each tensor gets, and how the new file is written."""
