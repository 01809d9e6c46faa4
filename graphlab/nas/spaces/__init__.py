"""Named search spaces, one a file."""
