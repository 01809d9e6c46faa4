"""Networks of one operator whose depth, widths and heads are chosen, and how weights pass between them.

Start at `space`. The spaces themselves are `graphlab.nas.spaces.elastic_gcn`, `elastic_gat` and `elastic_sage`.

    space     `ElasticSpace`, their base class
    layout    the axes of each parameter of such a network
    slices    the weights of a network as slices of those of the largest
    supernet  `ElasticSupernet`: all networks of a space on the weights of the largest
    sandwich  which networks learn in a step, and from whom
    moves     architectures that grow: a wider layer, more heads, a layer more
    net2net   weights that grow with them and compute the same
"""
