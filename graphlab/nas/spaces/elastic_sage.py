"""Depth and widths of networks that add a map of a node's own row to the mean of its neighbourhood. Hamilton, Ying and
Leskovec, NeurIPS 2017, for the operator, of which this is a reading: a node is among its own neighbours here."""

from __future__ import annotations

from collections.abc import Mapping

from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.space import ElasticSpace, Operator


class ElasticSAGE(ElasticSpace):
    """`num_layers`, and `hidden_dims_1` to `hidden_dims_3` of the hidden layers that there are."""

    name = "elastic-sage"
    operator = Operator(attention="const", aggregation="mean", activation="relu", combine="add")
    widths = (8, 16, 32, 64, 128)

    def hand_set(self) -> Mapping[str, Architecture]:
        """`sage-like` is that of the space `gnn-micro`, with rows of unit length."""
        return {"sage-like": self.of_hidden([(1, 64)])}
