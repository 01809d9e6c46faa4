"""Attention over pivots, of tuples of nodes. Yu et al., FloydNet, 2026: 2-Floyd and k-Floyd attention.

Of pairs (i, k), in each head, with the pivot j:

    s[i, k, j] = scale q[i, k] . (k1[i, j] + k2[j, k])
    y[i, k] = sum over j of softmax_j(s[i, k, j]) (v1[i, j] + v2[j, k])

and of k-tuples the same with a key and a value for each place that the pivot takes. The scores, n^(k + 1) numbers, are
made a block at a time and not kept; the gradient makes them again. Where they are few, or no more than the inputs, they
are laid out at once, which is as fast. Start at `dispatch`: `reference` has all scores at once, `pairs` and `tuples`
have blocks, and `gpu` has Triton kernels for pairs.
"""

from graphlab.ops.pivotal_attention.dispatch import pivotal_attention
from graphlab.ops.pivotal_attention.reference import reference

__all__ = ["pivotal_attention", "reference"]
