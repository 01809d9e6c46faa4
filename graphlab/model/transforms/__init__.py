"""Transforms of learners, one file each; see `graphlab.model.transform`."""
