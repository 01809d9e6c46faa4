"""Algorithms on sparse graphs of up to thousands of nodes, kept as lists of edges in place of matrices.

Start with `trajectory`: `sample` draws a graph and traces an algorithm on it, `trace` takes a graph of your own,
`batch` joins trajectories of any sizes, `sample_split` draws the parts of SALSA-CLRS. The rest:

    graphs       the graph as an edge list, and random connected graphs
    problems     the six algorithms, with their probes
    metrics      node accuracy, node F1 and graph accuracy
    tensors      batches as PyG's data, for networks

An "edge" probe has one value for each edge of the list here, and one for each ordered pair of nodes in
`graphlab.algorithms.trajectory`. docs/ALGORITHMS.md shows how they are used and which readings are ours.

References:
    Minder et al., SALSA-CLRS: A Sparse and Scalable Benchmark for Algorithmic Reasoning, LoG 2023.
"""
