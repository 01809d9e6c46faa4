"""What a search came to: its result, its answer, its curve."""
