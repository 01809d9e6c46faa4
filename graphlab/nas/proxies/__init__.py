"""Guesses at accuracy from untrained weights, one a file."""
