"""The owner's door: a Unix socket in Stoker's private folder; the file's mode is the key."""
