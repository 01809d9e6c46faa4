"""What one-shot strategies have in common: a supernet, trained once, that says which architectures to name."""
