"""From names and settings to trained runs."""
