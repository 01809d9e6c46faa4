"""Models: the base they share and the zoo."""
