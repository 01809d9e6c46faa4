"""What guesses the scores of architectures from those of others."""
