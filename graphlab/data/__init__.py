"""Data sets: adapters from files to Dataset, and what a Dataset is."""
