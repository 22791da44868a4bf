"""The command: one file for each verb, rooms for what they show. It prints, and nothing else."""
