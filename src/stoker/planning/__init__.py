"""Should it run here, and how? Pure: facts are passed in."""
