"""How bytes come here: over HTTP in ranges, or from this disk; each hashed before it counts."""
