"""The store: files under their digests, names that pin them, and what keeps it in order."""
