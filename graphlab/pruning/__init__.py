"""Pruning of weights: which numbers of a network are set to zero, how many of them when, and what the rest costs.

Start with `masks`, which keeps the largest scores exactly; `scores` has the published scores of weights, `schedule` how
sparsity rises during training, `polarisation` the regulariser of masks that are learned, and `accounting` the bits of
sparse weights.
"""
