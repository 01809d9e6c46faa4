"""Directed graph auto-encoder. Kollias, Kalantzis, Ide, Lozano and Abe, AAAI 2022, eq. 5 and 6.

    S' = act(D_out^-b (A + I) D_in^-a T W_T),    T' = act(D_in^-a (A + I)^T D_out^-b S W_S),    score(u, v) = s_u . t_v

D_out and D_in have the sums of A + I, S = T = X at first, and act is ReLU in the first of two layers alone. Where the
data have no node features X is the identity, so that the first maps are two vectors a node.
"""

from __future__ import annotations

from typing import Annotated

from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Share
from graphlab.data.directed_links import directed_links_spec
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig, Preset, input_dim, require_transductive
from graphlab.model.source_target import SourceTarget, SourceTargetModel
from graphlab.model.zoo.nste import SourceTargetEncoder


class Config(ModelConfig):
    """hidden_dim     width between the two layers
    embedding_dim  width of s and t
    in_exponent    a, of the degrees of targets; alpha in the publication
    out_exponent   b, of the degrees of sources; beta in the publication
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 64
    embedding_dim: Annotated[PositiveInt, IntRange(8, 128, log=True)] = 32
    in_exponent: Annotated[Share, FloatRange(0.0, 1.0)] = 0.5
    out_exponent: Annotated[Share, FloatRange(0.0, 1.0)] = 0.5


class DiGAE(SourceTargetModel):
    """Two layers that encode each node as a source and as a target, and the product of a source with a target."""

    citation = Citation(
        key="kollias2022",
        title="Directed Graph Auto-Encoders",
        authors="Kollias, Georgios and Kalantzis, Vasileios and Ide, Tsuyoshi and Lozano, Aurelie and Abe, Naoki",
        venue="AAAI",
        year=2022,
        url="https://arxiv.org/abs/2202.12449",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim = config.embedding_dim
        self.has_features = spec.node is not None
        dim = input_dim(spec.node, "digae") if self.has_features else require_transductive("digae", spec)
        widths = [dim, config.hidden_dim, config.embedding_dim]
        self.encoder = SourceTargetEncoder(widths, config.in_exponent, config.out_exponent)

    def encode(self, graph: Data) -> SourceTarget:
        x = graph["x"] if self.has_features else None
        return SourceTarget(*self.encoder(x, graph["edge_index"], None, int(graph.num_nodes or 0)))


PRESETS = {
    "directed-links": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 200, "lr": 0.01},
        num_parameters={directed_links_spec(None, 2708): 2 * 2708 * 64 + 2 * 64 * 32},
    ),
}
