"""One file a family of data sets."""
