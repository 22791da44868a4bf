"""The command: one file for each verb. It prints, and nothing else."""
