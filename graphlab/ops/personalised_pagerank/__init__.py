"""Personalised PageRank: exact, near a source, by fingerprints, and of all nodes by random walks.

    pi_s = restart e_s + (1 - restart) P^T pi_s

`Transition` is the walk of a graph; start there. Then, by what is asked:

- `power_iteration`, `top_nodes`: exact to a tolerance, for many sources on large graphs.
- `Factors` (`sparse_lu`): exact, for any sources of a small graph.
- `forward_push`: the nodes near a source, in time that does not depend on the graph's size.
- `Fingerprints`, `PowerWalk`: walks of every node beforehand, then many quick queries. `fingerprint_file` keeps them.
- `monte_carlo`: all nodes at once by walks; `monte_carlo_on_ray` (`ray_cluster`) does the same on a cluster.

Dense results are rows of numpy; others are `SparseScores` or `TopNodes` (`scores`). docs/PAGERANK.md compares them.
"""

from graphlab.ops.personalised_pagerank.fingerprint_file import load_fingerprints, save_fingerprints
from graphlab.ops.personalised_pagerank.fingerprints import Fingerprints
from graphlab.ops.personalised_pagerank.forward_push import PushedScores, forward_push
from graphlab.ops.personalised_pagerank.monte_carlo import monte_carlo
from graphlab.ops.personalised_pagerank.power_iteration import power_iteration, power_iteration_blocks, top_nodes
from graphlab.ops.personalised_pagerank.power_walk import PowerWalk
from graphlab.ops.personalised_pagerank.ray_cluster import monte_carlo_on_ray
from graphlab.ops.personalised_pagerank.scores import SparseScores, TopNodes
from graphlab.ops.personalised_pagerank.sparse_lu import Factors
from graphlab.ops.personalised_pagerank.transition import Transition

__all__ = [
    "Factors",
    "Fingerprints",
    "PowerWalk",
    "PushedScores",
    "SparseScores",
    "TopNodes",
    "Transition",
    "forward_push",
    "load_fingerprints",
    "monte_carlo",
    "monte_carlo_on_ray",
    "power_iteration",
    "power_iteration_blocks",
    "save_fingerprints",
    "top_nodes",
]
