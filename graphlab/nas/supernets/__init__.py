"""Networks that hold every architecture of a search space at once, one space a file."""
