"""Kinds of items, one file each; `graphlab.data.item` has their base and finds them by name."""
