"""ADPA. Sun, Li, Wu, Su, Li and Wang, ICDE 2024: features passed along six patterns of directed edges, and two
attentions over them.

Before training, for each pattern G of A, A^T, A A, A A^T, A^T A and A^T A^T (`graphlab.model.propagation`),

    X_l = G^ (c_l X_(l-1)),    c_l = ln(1 / l) + 1 + 1e-6.

For each pattern, nodes attend to their hops, and the patterns are weighted by learned scalars:

    s_l = sigmoid(W [X_0 | ... | X_K | X_l] + b),    X_G = sum over l of softmax_l(s_l) X_l
    Z_G = a_G ReLU(X_G W_G + b_G),    outputs = [Z_X | Z_A | Z_AT | ...] W + b

with the features themselves as a further pattern. The released code reshapes hops and nodes into one another before the
first attention; this is the formula.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability, Share
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.base import Model, ModelConfig, Preset, input_dim
from graphlab.model.directed import searched_presets
from graphlab.model.propagation import Propagation, attribute
from graphlab.model.sparse_features import FeatureInput, SparseRows, linear

PATTERNS = ("a", "at", "aa", "aat", "ata", "atat")


class Config(ModelConfig):
    """hops        K, how often features are passed on
    hidden_dim  width of each pattern's rows
    exponent    r, of the degrees
    dropout     of the rows of all patterns, before the last map
    """

    hops: Annotated[PositiveInt, IntRange(1, 5)] = 2
    hidden_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 32
    exponent: Annotated[Share, FloatRange(0.0, 1.0)] = 0.5
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.5


class Linears(nn.ModuleList):
    """Linear maps, as what they are for a reader of types."""

    def __getitem__(self, place: int) -> nn.Linear:  # pyright: ignore[reportIncompatibleMethodOverride]  (no slices here)
        linear = super().__getitem__(place)
        assert isinstance(linear, nn.Linear)
        return linear


class ADPA(Model):
    """Attention over hops and over patterns of features that were passed on beforehand.

    Weights of edges take the places of the ones in A.
    batch.x and, of each pattern and hop, what was passed on, `[num_nodes, d]` -> `[num_nodes, out_dim]`.
    """

    tasks = frozenset({"node-classification"})
    output_items = frozenset({"nodes"})
    edge_fields = frozenset({"edge_weight"})
    needs_whole_graph = True
    citation = Citation(
        key="sun2024",
        title="Breaking the Entanglement of Homophily and Heterophily in Semi-supervised Node Classification",
        authors=("Sun, Henan and Li, Xunkai and Wu, Zhengyu and Su, Daohan and Li, Rong-Hua and Wang, Guoren"),
        venue="ICDE",
        year=2024,
        url="https://arxiv.org/abs/2312.04111",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        dim, hidden = input_dim(spec.node, "adpa"), config.hidden_dim
        self.config, self.out_dim = config, self.row_width(spec, hidden)
        self.features = FeatureInput(0.0)
        names = [attribute(pattern, hop) for pattern in PATTERNS for hop in range(1, config.hops + 1)]
        self.passed_on = nn.ModuleDict({name: FeatureInput(0.0) for name in names})
        self.attention = Linears(nn.Linear((config.hops + 2) * dim, 1) for _ in PATTERNS)
        self.maps = Linears(nn.Linear(dim, hidden) for _ in ("x", *PATTERNS))
        self.shares = nn.Parameter(torch.ones(1 + len(PATTERNS)))
        self.read_out = nn.Linear((1 + len(PATTERNS)) * hidden, self.out_dim)

    @classmethod
    def preparation(cls, config: Config) -> Propagation:
        coefficients = tuple(math.log(1 / hop) + 1 + 1e-6 for hop in range(1, config.hops + 1))
        return Propagation(PATTERNS, config.hops, config.exponent, coefficients)

    @property
    def num_hops(self) -> int:
        return 2 * self.config.hops

    def forward(self, batch: Data) -> Tensor:
        x, hops = self.features(batch["x"]), range(1, self.config.hops + 1)
        rows = {name: each(batch[name].to(next(self.parameters()).dtype)) for name, each in self.passed_on.items()}
        own = linear(x, self.maps[0].weight) + self.maps[0].bias
        passed_on = [[x, *(rows[attribute(pattern, hop)] for hop in hops)] for pattern in PATTERNS]
        mapped = [own, *(self.attended(pattern, every) for pattern, every in zip(PATTERNS, passed_on, strict=True))]
        return self.of_patterns(mapped)

    def attended(self, pattern: str, every: list[Tensor | SparseRows]) -> Tensor:
        """X_G W_G + b_G of a pattern, `[num_nodes, hidden_dim]`, from x and its rows after each hop, `[num_nodes, d]`.

        Rows are mapped before they are summed, which makes them narrow, together with what the attention has of them:
        its weights meet all hops side by side, which is the same number for each, and then each hop alone.
        """
        place = PATTERNS.index(pattern)
        attention, narrow = self.attention[place], self.maps[1 + place]
        *of_hops, own = attention.weight[0].split(narrow.in_features)
        mapped = [
            linear(rows, torch.cat([narrow.weight, own.unsqueeze(0), of_hop.unsqueeze(0)]))
            for rows, of_hop in zip(every, of_hops, strict=True)
        ]
        hidden = narrow.out_features
        shared = attention.bias + torch.stack([rows[:, hidden + 1] for rows in mapped]).sum(0)
        scores = torch.sigmoid(shared + torch.stack([rows[:, hidden] for rows in mapped]))
        shares = scores.softmax(0).unsqueeze(2)
        return (shares * torch.stack([rows[:, :hidden] for rows in mapped])).sum(0) + narrow.bias

    def of_patterns(self, mapped: list[Tensor]) -> Tensor:
        """The outputs from X_G W_G + b_G of x and of each pattern, each `[num_nodes, hidden_dim]`."""
        rows = [each.relu() * share for each, share in zip(mapped, self.shares, strict=True)]
        return self.read_out(F.dropout(torch.cat(rows, dim=1), self.config.dropout, self.training))


PRESETS = {
    **searched_presets("hops", "hidden_dim", "exponent", "dropout"),
    "node-classification": Preset(
        source="GraphLab's own choice: the published settings were searched for each data set",
        is_published=False,
        training={"epochs": 300, "lr": 0.01, "weight_decay": 5e-4},
        num_parameters={
            DataSpec("nodes", (Target("y", "node", "class", 7),), node=Continuous(1433), directed=True): (
                6 * (4 * 1433 + 1) + 7 * (1433 * 32 + 32) + 7 + 7 * 32 * 7 + 7
            )
        },
    ),
}
