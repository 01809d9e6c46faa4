"""What the direction of edges says of the classes of nodes.

patterns.py   the pairs of nodes that one edge or two join, with and without direction, in blocks of bounded memory
homophily.py  homophilies and label informativeness of the pairs of a pattern; start here
advice.py     how much of what two edges say of classes takes their direction

`gl.analyze("homophily", dataset)` puts the first two together; `gl.analyze("directedness", dataset)` advises.
"""

from graphlab.analysis.directedness.homophily import Homophily, homophily_of
from graphlab.analysis.directedness.patterns import (
    PATTERNS,
    Pattern,
    adjacency_of,
    pattern_blocks,
    reciprocity,
    require_pattern,
)

__all__ = [
    "PATTERNS",
    "Homophily",
    "Pattern",
    "adjacency_of",
    "homophily_of",
    "pattern_blocks",
    "reciprocity",
    "require_pattern",
]
