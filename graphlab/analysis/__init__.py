"""Plots, reports and probes."""
