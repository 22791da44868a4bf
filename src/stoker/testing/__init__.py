"""Shipped fakes for tests: a clock turned by hand, a stub engine program, synthetic models."""
