"""ConvE. Dettmers et al., AAAI 2018, eq. 1: score(h, r, t) = relu(vec(relu([h; r] * w)) W) t + b_t.

The vectors of head and relation are laid out as images, one above the other, and convolved. Inverse relations have
vectors of their own. A bias before batch normalisation would be subtracted again, so that neither map has one.
Unlike the published code, whose tables start by Xavier's rule at scales that fall with their numbers of rows, vectors
of entities and of relations start at one scale.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveFloat, PositiveInt, Probability
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.base import ModelConfig, Preset, TripleModel, require_transductive
from graphlab.model.embedding import TUNED

KERNEL = 3


class Config(ModelConfig):
    """dim                  real numbers an entity
    init_scale           standard deviation of the initial vectors, times sqrt(dim)
    height               rows of a vector's image; dim is a multiple of it
    channels             filters, 3 x 3
    input_dropout        of the image
    feature_map_dropout  of whole channels after the convolution
    hidden_dropout       of the query vector
    """

    dim: Annotated[PositiveInt, IntRange(40, 400, step=20)] = 200
    init_scale: Annotated[PositiveFloat, FloatRange(0.1, 10.0, log=True)] = 1.0
    height: Annotated[PositiveInt, IntRange(4, 20)] = 20
    channels: Annotated[PositiveInt, IntRange(8, 64, log=True)] = 32
    input_dropout: Annotated[Probability, FloatRange(0.0, 0.6)] = 0.2
    feature_map_dropout: Annotated[Probability, FloatRange(0.0, 0.6)] = 0.2
    hidden_dropout: Annotated[Probability, FloatRange(0.0, 0.6)] = 0.3

    @model_validator(mode="after")
    def _image_is_whole(self) -> Self:
        if self.dim % self.height or self.dim // self.height < KERNEL:
            raise ValueError(f"height {self.height} does not divide dim {self.dim} into rows of {KERNEL} or more")
        return self


class ConvE(TripleModel):
    """Convolution over head and relation, inner products with all tails."""

    citation = Citation(
        key="dettmers2018",
        title="Convolutional 2D Knowledge Graph Embeddings",
        authors="Dettmers, Tim and Minervini, Pasquale and Stenetorp, Pontus and Riedel, Sebastian",
        year=2018,
        url="https://arxiv.org/abs/1707.01476",
        venue="AAAI",
    )
    reads_graph = False

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__()
        num_entities = require_transductive(type(self).__name__, spec)
        self.out_dim = config.dim
        self.image = config.height, config.dim // config.height
        self.entity = nn.Embedding(num_entities, config.dim)
        self.relation = nn.Embedding(2 * spec.num_relations, config.dim)
        self.bias = nn.Parameter(torch.zeros(num_entities))
        for table in (self.entity, self.relation):
            nn.init.normal_(table.weight, std=config.init_scale / config.dim**0.5)

        height, width = 2 * config.height - KERNEL + 1, self.image[1] - KERNEL + 1
        self.convolution = nn.Sequential(
            nn.BatchNorm2d(1),
            nn.Dropout(config.input_dropout),
            nn.Conv2d(1, config.channels, KERNEL, bias=False),
            nn.BatchNorm2d(config.channels),
            nn.ReLU(),
            nn.Dropout2d(config.feature_map_dropout),
            nn.Flatten(),
            nn.Linear(config.channels * height * width, config.dim, bias=False),
            nn.Dropout(config.hidden_dropout),
        )
        self.norm = nn.BatchNorm1d(config.dim)

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        query = self.query(head, relation)
        if tail is None:
            return torch.addmm(self.bias.unsqueeze(1), self.entity.weight, query.T).T
        return (self.entity(tail) @ query.unsqueeze(-1)).squeeze(-1) + self.bias[tail]

    def query(self, head: Tensor, relation: Tensor) -> Tensor:
        """Query vectors `[B, dim]`."""
        pictures = [vectors.view(-1, 1, *self.image) for vectors in (self.entity(head), self.relation(relation))]
        return F.relu(self._normalise(self.convolution(torch.cat(pictures, dim=2))))

    def _normalise(self, hidden: Tensor) -> Tensor:
        """Batch normalisation; one row alone has no variance, and takes the running one."""
        norm = self.norm
        batch = self.training and len(hidden) > 1
        return F.batch_norm(
            hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias, batch, norm.momentum or 0.0, norm.eps
        )


PUBLISHED = (
    "Dettmers et al., AAAI 2018, section 5.3, and the repository published with it; epochs, precision and a constant "
    "learning rate are ours"
)
SIZES = {
    "fb15k-237": (14541, 237, 4_963_895),
    "wn18rr": (40943, 11, 10_180_297),
    "umls": (135, 46, 1_991_889),
    "kinship": (104, 25, 1_977_258),
    "nations": (14, 55, 1_971_168),
    "family": (3007, 12, 2_555_561),
}
"""Entities, relations, and parameters of the published model."""


MANY_ENTITIES = {"epochs": 100, "evaluate_every": 5, "precision": "bf16"}


def _published(
    num_entities: int, num_relations: int, num_parameters: int, init_scale: float = 1.0, **training: Any
) -> Preset:
    """Vectors of few entities start at scale 1, as Xavier's rule has it for them; of many at its small scale, without
    which they are learnt by heart: what they start as outweighs what they share."""
    spec = DataSpec("triples", (FACT,), num_relations=num_relations, num_entities=num_entities, directed=True)
    return Preset(
        source=PUBLISHED,
        model={} if init_scale == 1 else {"init_scale": init_scale},
        task={"objective": "k-vs-all", "batch_size": 128, "label_smoothing": 0.1},
        training={"lr": 0.003, **training},
        ours=("training.epochs", "training.scheduler", *(("model.init_scale",) if init_scale == 1 else ())),
        num_parameters={spec: num_parameters},
    )


PRESETS = {
    "kg/fb15k-237": _published(*SIZES["fb15k-237"], 0.165, **MANY_ENTITIES),
    "kg/wn18rr": _published(*SIZES["wn18rr"], 0.1, **MANY_ENTITIES | {"epochs": 300, "evaluate_every": 10}),
    "kg/umls": _published(*SIZES["umls"], epochs=100, evaluate_every=10),
    "kg/kinship": _published(*SIZES["kinship"], epochs=100, evaluate_every=10),
    "kg/nations": _published(*SIZES["nations"], epochs=100, evaluate_every=10),
    "kg/family": _published(*SIZES["family"], epochs=60, evaluate_every=10),
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        task={"objective": "k-vs-all", "batch_size": 128, "label_smoothing": 0.1},
        training={"epochs": 100, "lr": 0.003, "evaluate_every": 10},
    ),
}
