"""node2vec. Grover and Leskovec, KDD 2016: vectors by which a node tells which nodes walks from it come to.

Walks of `walk_length` nodes start `walks_per_node` times from each node, and are drawn anew in each epoch; they are of
second order, with the return parameter p and the in-out parameter q: see `graphlab.ops.biased_walks`. The first
walk_length - k nodes u of a walk have the k nodes v that follow as their context N(u) (section 3.2). The loss is that
of eq. 2 with negative sampling (Mikolov et al., NeurIPS 2013, eq. 4), the mean over all u and v of

    -log sigmoid(z_u . z_v) - sum over n of log sigmoid(-z_u . z_n)

with `negatives_per_node` nodes n, drawn in proportion to degree^(3/4) once for each u and counted for each of its v,
which changes no expectation. There is one vector a node, as in eq. 1 and 2; the authors' code has a second one for
nodes of contexts, as word2vec has. With p = q = 1 it is DeepWalk (Perozzi, Al-Rfou and Skiena, KDD 2014) but for its
hierarchical softmax.

The score of a pair is the dot product: the Hadamard product of section 4.4, whose entries the publication weighs by a
logistic regression on links, with equal weights. Training sees walks along training links, and no pairs that are none.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, IntRange, PositiveFloat, PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import LINK, DataSpec
from graphlab.model.base import LinkModel, ModelConfig, Preset, require_transductive
from graphlab.model.sparse_features import Remembered
from graphlab.ops.biased_walks import ENDED, BiasedWalks, NodeTable
from graphlab.ops.personalised_pagerank import Transition

NOISE = 0.75
"""The exponent of the degrees by which negatives are drawn."""

SEARCHED = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Values of p and q that the publication searches."""


class Config(ModelConfig):
    """embedding_dim       width of the vectors
    walk_length         nodes of a walk
    walks_per_node      walks from each node in an epoch
    context_size        k, how many following nodes of a walk are the context of a node
    negatives_per_node  nodes that a node of a walk is told from
    p                   return parameter; the larger, the less a walk goes straight back
    q                   in-out parameter; the larger, the more a walk stays near where it comes from
    """

    embedding_dim: Annotated[PositiveInt, IntRange(16, 256, log=True)] = 128
    walk_length: Annotated[PositiveInt, IntRange(20, 120)] = 80
    walks_per_node: Annotated[PositiveInt, IntRange(1, 20)] = 10
    context_size: Annotated[PositiveInt, IntRange(2, 18)] = 10
    negatives_per_node: Annotated[PositiveInt, IntRange(1, 20)] = 5
    p: Annotated[PositiveFloat, Choices(SEARCHED)] = 1.0
    q: Annotated[PositiveFloat, Choices(SEARCHED)] = 1.0

    @model_validator(mode="after")
    def _walks_have_contexts(self) -> Self:
        if self.context_size >= self.walk_length:
            raise ValueError("context_size must be smaller than walk_length: else no node of a walk has a context")
        return self


class Node2Vec(LinkModel):
    """A vector a node, learned from biased random walks."""

    has_node_loss = True
    citation = Citation(
        key="grover2016",
        title="node2vec: Scalable Feature Learning for Networks",
        authors="Grover, Aditya and Leskovec, Jure",
        venue="KDD",
        year=2016,
        url="https://arxiv.org/abs/1607.00653",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        self.config, self.out_dim = config, config.embedding_dim
        num_nodes = require_transductive("node2vec", spec)
        self.vectors = nn.Parameter(torch.randn(num_nodes, config.embedding_dim) / config.embedding_dim**0.5)
        self._walker = Remembered(self._make_walker)

    def encode(self, graph: Data) -> Tensor:
        """z `[num_nodes, embedding_dim]`."""
        return self.vectors

    def node_loss(self, graph: Data, nodes: Tensor, stream: SeedStream) -> Tensor:
        """The skip-gram loss of walks from some nodes."""
        config, starts = self.config, nodes.numpy(force=True)
        walks, noise = self._walker(graph["edge_index"], int(graph.num_nodes or 0))
        walked = walks.walk(starts, config.walk_length, config.walks_per_node, stream=stream.child("walks"))
        num_centres = config.walk_length - config.context_size
        negatives = noise.draw(
            starts, num_centres * config.negatives_per_node, config.walks_per_node, stream=stream.child("negatives")
        )
        return skip_gram_loss(
            self.vectors,
            torch.from_numpy(walked).to(nodes.device),
            torch.from_numpy(negatives).view(len(walked), num_centres, config.negatives_per_node).to(nodes.device),
            config.context_size,
        )

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        if candidates is None:
            return encoding[sources] @ encoding.T
        return (encoding[sources].unsqueeze(1) * encoding[candidates]).sum(-1)

    def score_pairs(self, encoding: Tensor, pairs: Tensor) -> Tensor:
        """Scores `[P]` of pairs int64 `[P, 2]`."""
        first, second = encoding[pairs].unbind(1)
        return (first * second).sum(-1)

    def _make_walker(self, edge_index: Tensor, num_nodes: int) -> tuple[BiasedWalks, NodeTable]:
        transition = Transition.of(edge_index, num_nodes)
        # An isolated node is drawn as one of degree 1: no walk comes to it, and links of its own could be held out.
        noise = NodeTable(np.maximum(transition.degree, 1) ** NOISE)
        return BiasedWalks(transition, self.config.p, self.config.q), noise


def skip_gram_loss(vectors: Tensor, walks: Tensor, negatives: Tensor, context_size: int) -> Tensor:
    """The skip-gram loss of walks with negative sampling.

    Args:
        vectors: z.
        walks: Nodes in their order; ENDED in the place of those that a walk did not come to.
        negatives: Of each of the first L - k nodes of a walk, what it is told from.
        context_size: k.

    Shapes:
        vectors: `[num_nodes, dim]`
        walks: `[W, L]`
        negatives: `[W, L - k, negatives_per_node]`

    Returns:
        The mean over all W (L - k) k pairs that walks have which do not end, a scalar; pairs that are not there count
        as 0.
    """
    num_centres = walks.shape[1] - context_size
    there = walks != ENDED
    rows = F.embedding(walks.clamp(min=0).long(), vectors)
    centres = rows[:, :num_centres]
    # All pairs of a walk by one product of matrices: less work than to lay out two vectors for each pair.
    products = centres @ rows.transpose(1, 2)
    offsets = range(1, context_size + 1)
    context = torch.stack([products.diagonal(offset, 1, 2) for offset in offsets], dim=2)
    is_pair = torch.stack([there[:, offset : offset + num_centres] for offset in offsets], dim=2)
    noise = (F.embedding(negatives.long(), vectors) @ centres.unsqueeze(3)).squeeze(3)
    positive = (F.softplus(-context) * is_pair).sum()
    negative = (F.softplus(noise).sum(2) * is_pair.sum(2)).sum()
    return (positive + negative) / is_pair.numel()


PRESETS = {
    "link-prediction": Preset(
        source=(
            "section 4.1: d = 128, 10 walks of 80 nodes each from a node, contexts of 10; p and q are searched there "
            "over .25, .5, 1, 2 and 4. Adam and more epochs replace one epoch of SGD; rates fall by epochs, linearly"
        ),
        model={"embedding_dim": 128, "walks_per_node": 10, "walk_length": 80, "context_size": 10},
        task={"loss": "model", "batch_size": 8, "remove_one_hop": False, "evaluation_batch_size": 1_000_000},
        training={"epochs": 10, "lr": 0.01, "scheduler": "linear"},
        ours=(
            "model.negatives_per_node",
            "model.p",
            "model.q",
            "task.batch_size",
            "task.remove_one_hop",
            "training.epochs",
            "training.lr",
            "training.optimizer",
            "training.patience",
        ),
        num_parameters={DataSpec("node-pairs", (LINK,), num_entities=2708): 2708 * 128},
    ),
}
