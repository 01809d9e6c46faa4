"""Run records: the store, and statistics over seeds."""
