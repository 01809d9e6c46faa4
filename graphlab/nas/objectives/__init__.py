"""What a search optimises, and what it does not allow."""
