"""Products of all pairs of nodes of each graph, the matrix products of 2-FWL networks. Maron et al., NeurIPS 2019."""

from graphlab.ops.pair_product.dispatch import pair_product
from graphlab.ops.pair_product.padded import padded
from graphlab.ops.pair_product.reference import reference

__all__ = ["padded", "pair_product", "reference"]
