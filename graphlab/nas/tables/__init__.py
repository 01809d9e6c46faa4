"""Published tables of trained architectures, one kind a file."""
