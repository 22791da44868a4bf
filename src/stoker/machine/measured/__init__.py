"""What of this machine is measured once: how, under which conditions, and where it is kept."""
