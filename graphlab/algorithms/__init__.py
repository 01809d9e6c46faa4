"""The algorithms of CLRS-30 as data: what they take, pass through and give.

Start with `trajectory`: `sample` draws and traces instances, `trace` runs an algorithm on inputs of your own,
`published_split` says how the benchmark's splits are drawn. The rest:

    algorithm    what a probe, a step and an algorithm are
    registry     the algorithms by name
    sorting, searching, dynamic_programming, greedy, strings, geometry,
    depth_first, shortest_paths, spanning_trees, matching
                 the algorithms, with their probes and samplers
    instances    random graphs that several samplers share
    requirements what algorithms ask of their inputs
    archive      data that the original package made
    metrics      the benchmark's scores
    sparse       six algorithms on edge lists, for graphs of thousands of nodes

docs/ALGORITHMS.md shows how they are used.

References:
    Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    Cormen, Leiserson, Rivest and Stein, Introduction to Algorithms.
"""
