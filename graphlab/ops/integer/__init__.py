"""Integer kernels on the CPU: what quantised networks are computed by, from bytes to bytes.

Start with `rescale.py`, which defines how int32 sums become 8-bit integers; `product.py` and `neighbour_sum.py` are the
two halves of a graph convolution, `softmax.py` makes the weights of attention. `overflow.py` tells how far sums can go,
`pack.py` keeps weights of 2 and 4 bits. `vectors.py`, `arithmetic.py` and `blocks.py` are what the loops are made of.
Each kernel has a `reference` in int64 that it equals bit for bit.
"""
