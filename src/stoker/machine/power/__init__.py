"""What this machine draws: its power meters, and from their counts to watts."""
