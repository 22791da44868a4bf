"""The door: HTTP in, HTTP out. It decides nothing about models."""
