"""Depth and widths of graph convolutional networks. Kipf and Welling, ICLR 2017, for the operator."""

from __future__ import annotations

from collections.abc import Mapping

from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.space import ElasticSpace, Operator


class ElasticGCN(ElasticSpace):
    """`num_layers`, and `hidden_dims_1` to `hidden_dims_3` of the hidden layers that there are."""

    name = "elastic-gcn"
    operator = Operator(attention="gcn", aggregation="sum", activation="relu", combine="concat")
    widths = (8, 16, 32, 64, 128)

    def hand_set(self) -> Mapping[str, Architecture]:
        """`gcn` has the layers of the model of this name at its defaults."""
        return {"gcn": self.of_hidden([(1, 16)])}
