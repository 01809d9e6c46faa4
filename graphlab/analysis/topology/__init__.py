"""Why a link predictor is right for one node and wrong for another: the topology of a node's links.

Start with `concentration`: how much the neighbours of a node, in training, validation or test, share its surroundings
in the training graph, exactly or by random projection. The rest:

    parts         the links of training, validation and test, by node
    structure     degree, core number, clustering and density of surroundings, for comparison
    pagerank      how much of a node's personalised PageRank lies near it, and on the nodes that links join it to
    shift         how the concentration of training and of test links differ
    performance   precision, recall, F1, NDCG, hits and reciprocal rank of each node

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
"""
