"""The code that makes the data sets of our own."""
