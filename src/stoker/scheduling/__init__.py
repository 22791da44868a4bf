"""Who is resident, and who waits? Pure policy, and one loop that owns the state."""
