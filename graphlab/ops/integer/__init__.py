"""Integer kernels: what quantised networks are computed by, from bytes to bytes.

Start with `rescale.py`, which defines how int32 sums become 8-bit integers; `product.py` and `neighbour_sum.py` are the
two halves of a graph convolution, `softmax.py` makes the weights of attention. `overflow.py` tells how far sums can go,
`pack.py` keeps weights of 2 and 4 bits. `requantise.py`, `table.py`, `join.py` and `rounding.py` are single passes over
rows. `vectors.py`, `arithmetic.py` and `blocks.py` are what the CPU's loops are made of. Rows on a GPU are computed
there, by the kernels in `gpu`. Each kernel has a `reference` in int64 that it equals bit for bit.
"""
