"""Contracts that everything registered must keep, for the tests of GraphLab and of packages that add to it."""
