"""How files are written, locked and left: whole or not at all, and nothing of the dead stays."""
