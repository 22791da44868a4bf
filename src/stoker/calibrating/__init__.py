"""How fast is this machine? Measured on synthetic models, and fitted."""
