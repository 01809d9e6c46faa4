"""Variational graph auto-encoder. Kipf and Welling, Variational Graph Auto-Encoders, 2016, sections 1 and 2.

    mu = A~ ReLU(A~ X W0) W1,    log sigma = A~ ReLU(A~ X W0) W2,    A~ = D^-1/2 (A + I) D^-1/2
    z_v = mu_v + sigma_v * noise_v in training, mu_v in evaluation;    score(u, v) = z_u . z_v

W0 is shared. Where the data have no node features X is the identity, so that W0 is one vector a node. To the loss of a
step comes the divergence from the prior N(0, I),

    1 / N * mean over v of KL(N(mu_v, diag(sigma_v^2)) || N(0, I)),

the weight that it has beside the mean over all N^2 pairs of the reconstruction. Noise is drawn from torch's generator,
which training seeds by seed, epoch and step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveInt, Probability
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, input_dim, require_transductive, visible_edges
from graphlab.model.node_encoder import normalised_block
from graphlab.model.pairs_in_blocks import scores_in_blocks
from graphlab.model.sparse_features import FeatureInput, Remembered, convolve


class Config(ModelConfig):
    """hidden_dim     width between the two convolutions
    embedding_dim  width of z
    dropout        of the hidden units
    """

    hidden_dim: Annotated[PositiveInt, IntRange(8, 256, log=True)] = 32
    embedding_dim: Annotated[PositiveInt, IntRange(8, 128, log=True)] = 16
    dropout: Annotated[Probability, FloatRange(0.0, 0.8)] = 0.0


@dataclass(frozen=True)
class GaussianNodes:
    """A normal distribution for each node, and a sample of each; all `[num_nodes, embedding_dim]`.

    Attributes:
        mean: mu.
        log_std: log sigma.
        sample: z; the mean in evaluation.
    """

    mean: Tensor
    log_std: Tensor
    sample: Tensor


class VGAE(LinkModel):
    """Two convolutions to the mean and the deviation of each node's latent vector, and inner products of samples."""

    citation = Citation(
        key="kipf2016",
        title="Variational Graph Auto-Encoders",
        authors="Kipf, Thomas N. and Welling, Max",
        venue="NIPS Workshop on Bayesian Deep Learning",
        year=2016,
        url="https://arxiv.org/abs/1611.07308",
    )
    output_dims = {"first": 1, "mean": 1, "log_std": 1}

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.out_dim, self.dropout = config.embedding_dim, config.dropout
        self.has_features = spec.node is not None
        rows = input_dim(spec.node, "vgae") if self.has_features else require_transductive("vgae", spec)
        self.first = _glorot(rows, config.hidden_dim)
        self.mean = _glorot(config.hidden_dim, config.embedding_dim)
        self.log_std = _glorot(config.hidden_dim, config.embedding_dim)
        self.features = FeatureInput(0.0)
        self._block = Remembered(normalised_block)

    def encode(self, graph: Data) -> GaussianNodes:
        block = self._block(visible_edges(graph), int(graph.num_nodes or 0), self.first.dtype, True)
        if self.has_features:
            rows = convolve(self.features(graph["x"].to(self.first.dtype)), self.first.T, block.sum)
        else:
            rows = block.sum(self.first)
        hidden = block.sum(F.dropout(rows.relu(), self.dropout, self.training))
        mean, log_std = hidden @ self.mean, hidden @ self.log_std
        sample = mean + log_std.exp() * torch.randn_like(mean) if self.training else mean
        return GaussianNodes(mean, log_std, sample)

    def score_nodes(self, encoding: GaussianNodes, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        z = encoding.sample
        if candidates is None:
            return z[sources] @ z.T
        return scores_in_blocks(
            lambda pairs: self.score_pairs(encoding, pairs), sources, candidates, len(z), self.out_dim
        )

    def score_pairs(self, encoding: GaussianNodes, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        first, second = encoding.sample[pairs].unbind(1)
        return (first * second).sum(-1)

    def encoding_penalty(self, encoding: GaussianNodes) -> Tensor:
        """The divergence from the prior, a scalar."""
        mean, log_std = encoding.mean, encoding.log_std
        divergence = (mean.square() + (2 * log_std).exp() - 2 * log_std - 1).sum(1) / 2
        return divergence.mean() / len(mean)


def _glorot(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, columns)))


PRESETS = {
    "link-prediction": Preset(
        source=(
            "section 4: 200 steps of Adam on the whole graph; sampled negatives, as many as links, in place of the "
            "weighted loss over all pairs"
        ),
        task={"batch_size": None, "remove_one_hop": False, "evaluation_batch_size": 1_000_000},
        training={"epochs": 200, "lr": 0.01},
        ours=("task.num_negatives",),
        num_parameters={
            DataSpec("node-pairs", (LINK,), num_entities=2708): 2708 * 32 + 2 * 32 * 16,
            DataSpec("node-pairs", (LINK,), node=Continuous(1433), num_entities=2708): 1433 * 32 + 2 * 32 * 16,
        },
    ),
}
