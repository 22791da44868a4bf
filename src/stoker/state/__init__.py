"""What is remembered, all of it under one folder."""
