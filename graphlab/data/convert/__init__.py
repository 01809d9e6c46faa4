"""From what a user has to a data set.

Start at `dataset`, which looks at what it was given and calls one converter:

    pyg       a PyG Data, or a list of them with targets
    network   a networkx graph
    frames    pandas frames of edges, nodes and labels, and edge lists in text files
    folder    a folder of triples in text files

Converters of one graph make a `NodeGraph`, of which `nodes` makes a data set of nodes or of links. `splits` reads and
draws splits, `columns` reads classes, features and edges, `request` has the options that all of them share.
docs/OWN_DATA.md is written for users.
"""

from graphlab.data.convert.make import dataset

__all__ = ["dataset"]
