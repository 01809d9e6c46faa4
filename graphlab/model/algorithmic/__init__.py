"""Networks that learn the algorithms of `graphlab.algorithms`, built from the probes of an algorithm.

Start with `network`: a `Network` encodes what is seen, computes one step with a processor, and decodes what is
predicted, step after step; on edge lists, `sparse_network` does. The rest:

    instances    trajectories as tensors, padded to one size, and which probes are seen and predicted
    encoders     probes to features of nodes, pairs of nodes and graphs
    processors   one step on these features, by name, and what every processor takes and gives
    messages     MPNN, PGN and Triplet-GMPNN
    pairs        Edge Transformer, products after PPGN, and FloydNet: a state of all pairs of nodes
    relational   the relational transformer
    decoders     features to probes, and how predictions are fed back
    losses       the loss of each type of probe
    edge_lists   instances, encoders, decoders and losses of sparse algorithms
    stepwise     steps and hints that are fed back, of both networks

`experiments/clrs.py` trains them. docs/ALGORITHMS.md shows how.

References:
    Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    Ibarz et al., A Generalist Neural Algorithmic Learner, LoG 2022.
"""
