"""I2-GNN. Huang et al., ICLR 2023, eq. 4 to 6: a GNN in the ego network of every node, once for each of its
neighbours, whose nodes carry their distances from both.

h[i, j, v] <- relu(BN(MLP((1 + eps) h[i, j, v] + sum over w in N(v) in the subgraph of i of relu(h[i, j, w] + bond))))
row of i = relu(linear(mean over neighbours j of mean over v of all layers' h[i, j, v] side by side))

The linear map comes before the mean over neighbours here, which is the same.
"""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.subgraph.convolution import Convolution, average
from graphlab.model.subgraph.inputs import edge_kinds
from graphlab.model.subgraph.network import TupleInput
from graphlab.model.subgraph.policies import RootNeighbour
from graphlab.model.subgraph.rootwise import Rootwise, RootwiseConfig
from graphlab.ops.tuple_spmm import Messages


class Config(RootwiseConfig):
    """As `RootwiseConfig`, and

    hops     radius of a subgraph
    dropout  of what comes out of each layer
    """

    hidden_dim: Annotated[PositiveInt, IntRange(16, 128, log=True)] = 64
    num_layers: Annotated[PositiveInt, IntRange(1, 8)] = 5
    hops: Annotated[PositiveInt, IntRange(1, 6)] = 3
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


class I2GNN(Rootwise):
    """batch: graphs with their root-neighbour subgraphs -> `[num_nodes, hidden_dim]`.

    Two marks and 1-WL are no stronger than 3-FWL (Morris et al., AAAI 2019).
    """

    tasks = frozenset({"graph-prediction", "node-classification"})
    edge_fields = frozenset({"edge_attr"})
    citation = Citation(
        key="huang2023",
        title="Boosting the Cycle Counting Power of Graph Neural Networks with I2-GNNs",
        authors="Huang, Yinan and Peng, Xingang and Ma, Jianzhu and Zhang, Muhan",
        venue="ICLR",
        year=2023,
        url="https://arxiv.org/abs/2210.13978",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        if spec.directed:
            raise IncompatibleError(
                "i2gnn marks pairs of neighbours, and these edges lead one way",
                hint="use a model of directed graphs, as dir-gnn, or make the graph undirected by a transform",
            )
        dim = config.hidden_dim
        self.policy, self.edge = self.preparation(config), spec.edge
        self.max_tuples = config.max_tuples
        self.start = TupleInput(self.policy, spec, dim)
        self.convolutions = nn.ModuleList(Convolution(dim, spec.edge) for _ in range(config.num_layers))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(config.num_layers))
        self.dropout = nn.Dropout(config.dropout)
        self.join = nn.Linear(config.num_layers * dim, dim)
        self.out_dim = dim

    @classmethod
    def preparation(cls, config: Config) -> RootNeighbour:
        return RootNeighbour(hops=config.hops)

    @classmethod
    def expressiveness(cls, config: Config) -> str:
        return "FWL(3)"

    def forward(self, batch: Data) -> Tensor:
        rows = self.root_rows(batch)
        each = torch.arange(len(rows), device=rows.device)
        of_node = Messages.of_pairs(batch["root_node"], each, int(batch.num_nodes or 0), len(rows))
        return (average(of_node, rows) + self.join.bias).relu()

    def rows_of(self, batch: Data) -> Tensor:
        tuples = self.policy.tuples(batch, edge_kinds(batch, self.edge))
        h, states = self.start(tuples, batch), []
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            h = self.dropout(norm(convolution(tuples.messages("uL"), h, batch)).relu())
            states.append(h)
        return F.linear(average(tuples.of_root, torch.cat(states, dim=1)), self.join.weight)
