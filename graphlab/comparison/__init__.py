"""Published numbers, and ours beside them."""
