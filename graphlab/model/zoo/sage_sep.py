"""GraphSAGE in residual blocks, as a baseline of heterophilous graphs. Platonov et al., ICLR 2023, section 4.1.

    h_(l+1) = h_l + FFN([LayerNorm(h_l) | mean over u -> v of LayerNorm(h_l)])

The paper calls it SAGE; `graphlab.model.separated` has the network around it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Preset
from graphlab.model.layered import Block
from graphlab.model.separated import SeparatedConfig, SeparatedModel


class Config(SeparatedConfig):
    """As `graphlab.model.separated.SeparatedConfig`."""


class Mean(nn.Module):
    """A node's row, and the block's weighted sum of those of its neighbours."""

    def forward(self, rows: Tensor, block: Block) -> tuple[Tensor, Tensor]:
        return block.of_targets(rows), block.sum(rows)


class SAGESep(SeparatedModel):
    """Means of neighbours, over whole neighbourhoods or those that `task.fan_outs` samples; no loops are added.

    Edges are read as messages u -> v. With weights of edges the mean is that of w h, as in `sage`.
    batch.x `[num_nodes, d]`, batch.edge_index `[2, E]` -> `[num_nodes, out_dim]`.
    """

    name = "sage-sep"
    edge_fields = frozenset({"edge_weight"})

    def messenger(self, config: Config) -> Mean:
        return Mean()

    def block(self, edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int) -> Block:
        """Weights by the number of edges into a node, so that sums are means."""
        target = edge_index[1]
        share = 1 / torch.bincount(target, minlength=num_nodes).double().index_select(0, target)
        return Block(edge_index, num_nodes, share if edge_weight is None else share * edge_weight)


SPEC = DataSpec("nodes", (Target("y", "node", "class", 18),), node=Continuous(300))
PRESETS = {
    "heterophilous": Preset(
        source="section 4.2: Adam; the number of blocks, 1 to 5, was chosen for each data set on validation",
        model={"hidden_dim": 512, "num_layers": 5},
        training={"epochs": 1000, "lr": 3e-5},
        ours=("model.num_layers",),
        num_parameters={SPEC: 301 * 512 + 5 * (1024 + 3 * 512**2 + 2 * 512) + 1024 + 513 * 18},
    ),
    "node-classification": Preset(
        source="GraphLab's own choice: narrower, with a larger learning rate",
        is_published=False,
        training={"epochs": 300, "lr": 1e-3},
    ),
}
