"""How a model is run: one adapter per engine, behind the port of `base`."""
