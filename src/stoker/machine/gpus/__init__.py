"""The GPUs of this machine, by maker, and what their makers state of them."""
