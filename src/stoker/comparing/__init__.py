"""What is lost by shrinking, and what by taking a smaller model: measured, with intervals."""
