"""Named search spaces, one a file, each a `graphlab.nas.core.space.Space`.

The settings of every model are a space too, and so are those that a user lists: `graphlab.nas.settings_space`.
"""
