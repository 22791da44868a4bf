"""What can this machine carry? Reads the real limits, decides nothing."""
