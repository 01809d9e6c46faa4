"""Quantisation of values and weights: number formats, how their scales are chosen, and training through rounding.

Start with `formats`, which names the formats; `quantisers` rounds values to them with straight-through gradients, and
`observers` records the ranges that activations take. `degree_quant`, `learned_bits` and `mixture` are published methods
for graph neural networks.
"""
