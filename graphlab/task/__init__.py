"""Tasks: what a protocol says."""
