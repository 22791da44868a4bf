"""What judgement needs, gathered from files, machine and engine: for plans and for advice."""
