"""NBFNet's scores in plain PyTorch: gather, multiply, scatter; all states of all nodes in every layer.

The same function of the same parameters as `graphlab.model.zoo.nbfnet`, laid out as the paper's equations are: a
message an edge and query, and PNA's twelve scaled moments side by side.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.model.bellman_ford import SCALE_FLOOR, degree_scale
from graphlab.model.zoo.nbfnet import NBFNet
from graphlab.ops.relational_spmm import RelationalGraph, reference
from graphlab.ops.relational_spmm.signature import Product


def plain_score(model: Any, graph: Data, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
    """Scores `[B, K]` of candidates, as `NBFNet.score` gives them."""
    num_nodes, query = int(graph.num_nodes or 0), model.query(relation)
    edges = RelationalGraph.with_inverses(
        graph["edge_index"], graph["edge_type"], num_nodes, model.query.num_embeddings // 2
    )
    mask = graph["edge_mask"].repeat(2)
    rows = torch.arange(len(head))
    indicator = query.new_zeros(num_nodes, *query.shape).index_put((head, rows), query)
    scale = degree_scale(edges, mask, query.dtype).laid_out().unsqueeze(1)
    states = indicator
    for layer in model.layers:
        relations = layer.relation.weight
        if isinstance(layer.relation, torch.nn.Linear):
            relations = layer.relation(query).view(len(head), layer.num_relations, -1).transpose(0, 1)
        product = Product(edges, relations, states, None, mask, indicator, layer.message, layer.aggregate)
        moments = reference(product)
        scaled = [moments, moments * scale, moments / scale.clamp(min=SCALE_FLOOR)]
        hidden = torch.relu(layer.norm(layer.update(torch.cat([states, *scaled], dim=-1))))
        states = hidden + states
    asked = states[tail, rows.unsqueeze(1)]
    query = query.unsqueeze(1).expand(-1, asked.size(1), -1)
    hidden = torch.relu(model.readout.first(torch.cat([asked, query], dim=-1)))
    return model.readout.last(hidden).squeeze(-1)


class PlainNBFNet(NBFNet):
    """NBFNet whose scores are computed the plain way."""

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None, **_: Any) -> Tensor:
        assert tail is not None
        return plain_score(self, graph, head, relation, tail)
