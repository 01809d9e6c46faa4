"""One probe a file; `graphlab.analysis.probe` finds them."""
