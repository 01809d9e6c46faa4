"""Depth, widths and heads of graph attention networks. Veličković et al., ICLR 2018, for the operator."""

from __future__ import annotations

from collections.abc import Mapping

from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.space import ElasticSpace, Operator


class ElasticGAT(ElasticSpace):
    """`num_layers`, and of the hidden layers that there are `hidden_dims_1` to `heads_3`: widths of a head, and
    heads."""

    name = "elastic-gat"
    operator = Operator(attention="gat", aggregation="sum", activation="elu", combine="concat")
    widths = (4, 8, 16, 32)
    head_counts = (1, 2, 4, 8)

    def hand_set(self) -> Mapping[str, Architecture]:
        """`gat` has the layers of the model of this name at its defaults."""
        return {"gat": self.of_hidden([(8, 8)])}
