"""How much memory a plan takes, by formula, beside what the engine counts. Pure."""
