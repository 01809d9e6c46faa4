"""The travelling salesman problem, symmetric, on complete graphs. Start at `instances`, then `exact`, then `decoding`.

instances    `TourInstance`: points in the unit square, or a matrix of costs; checks of both; what may be allocated
tour         a tour is an int64 array of all nodes: its checks, length, edges and adjacency
exact        optima and their proofs: Held-Karp, and branch and cut; `Solution` says whether its tour is proved optimal
lkh          near-optimal tours of Lin-Kernighan-Helsgaun, by the extra `graphlab[tours]`
baselines    nearest neighbour, greedy edge, 2-opt
decoding     from scores of edges to a valid tour; the best of several samples
tree_search  Monte Carlo tree search over k-opt moves, guided by a heat map
diffusion    Gaussian diffusion on a tour's adjacency, as arithmetic on tensors; the network is the caller's
metrics      valid, optimal, gap, edge F1, time
"""
