"""The hot kernels, each behind one function."""
