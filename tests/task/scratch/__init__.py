"""Tasks of four kinds that GraphLab has none of, each in one file, as another package would add them."""
