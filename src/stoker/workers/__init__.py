"""One living engine process: spawned in a cage, watched, spoken to, and ended."""
