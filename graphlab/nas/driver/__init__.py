"""The loop of a search on its Optuna study, and the processes that share it."""
