"""The graph of a knowledge graph's relations. Galkin et al., ICLR 2024, section 4.1."""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from graphlab.ops.relational_spmm import RelationalGraph

KINDS = ("head-head", "tail-tail", "head-tail", "tail-head")
"""Edge types: which end of the source relation meets which end of the target relation."""


def relation_graph(edge_index: Tensor, edge_type: Tensor, num_nodes: int, num_relations: int) -> RelationalGraph:
    """A node for each of the 2 R relations, inverses included; an edge i -> j of the kind "a-b" where some entity is
    the a of a fact of i and the b of a fact of j. A relation that has facts meets itself.

    The head of r^-1 is the tail of r, so that all four kinds are read off the one product H' H of the incidence
    H [entity, relation] = 1 where the entity is a head, which is sparse.

    Args:
        edge_index, edge_type: facts `[2, E]` and `[E]`, inverses not included; types in `[0, num_relations)`.
    """
    heads = torch.cat([edge_index[0], edge_index[1]]).cpu().numpy()
    relations = torch.cat([edge_type, edge_type + num_relations]).cpu().numpy()
    ones = np.ones(len(heads), dtype=np.float32)
    incidence = csr_matrix((ones, (heads, relations)), shape=(num_nodes, 2 * num_relations))
    meet = (incidence.T @ incidence).tocoo()
    first = torch.from_numpy(meet.coords[0].astype(np.int64))
    second = torch.from_numpy(meet.coords[1].astype(np.int64))

    def inverse(relation: Tensor) -> Tensor:
        return (relation + num_relations) % (2 * num_relations)

    ends = [(first, second), (inverse(first), inverse(second)), (first, inverse(second)), (inverse(first), second)]
    edges = torch.cat([torch.stack(pair) for pair in ends], dim=1)
    kinds = torch.arange(len(KINDS)).repeat_interleave(len(first))
    return RelationalGraph(edges.to(edge_index.device), kinds.to(edge_index.device), 2 * num_relations)
