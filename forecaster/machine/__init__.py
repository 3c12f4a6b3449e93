"""What this machine has: memory, cores, worker processes."""
