"""Architecture search: spaces, strategies on one Optuna driver, and tables of what others trained."""
