"""TransE. Bordes et al., NeurIPS 2013, eq. 1: score(h, r, t) = margin - ||h + r - t||.

The margin makes the distance a logit, as in Sun et al., ICLR 2019, eq. 5; it does not change a ranking.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.core.config import Choices, FloatRange, PositiveFloat
from graphlab.data.spec import DataSpec
from graphlab.model.base import Preset
from graphlab.model.embedding import TUNED, EmbeddingConfig, EmbeddingModel
from graphlab.ops.distance import Norm, distances


class Config(EmbeddingConfig):
    """As `EmbeddingConfig`, and
    norm    1 or 2
    margin  distance at which a triple is as likely as not
    """

    norm: Annotated[Literal[1, 2], Choices()] = 2
    margin: Annotated[PositiveFloat, FloatRange(1.0, 24.0)] = 4.0


class TransE(EmbeddingModel):
    """A relation is a translation."""

    version = 2
    citation = Citation(
        key="bordes2013",
        title="Translating Embeddings for Modeling Multi-relational Data",
        authors=(
            "Bordes, Antoine and Usunier, Nicolas and García-Durán, Alberto and Weston, Jason and Yakhnenko, Oksana"
        ),
        year=2013,
        url="https://papers.nips.cc/paper/5071-translating-embeddings-for-modeling-multi-relational-data",
        venue="NeurIPS",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.norm: Norm = "l1" if config.norm == 1 else "l2"
        self.margin = config.margin

    def query(self, head: Tensor, relation: Tensor, inverse: Tensor) -> Tensor:
        return head + torch.where(inverse, -relation, relation)

    def compare(self, query: Tensor, candidates: Tensor) -> Tensor:
        return self.margin - distances(query, candidates, self.norm)


PRESETS = {
    "kinship-rules": Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 64, "norm": 2, "margin": 4.0},
        task={"batch_size": 128, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 40, "lr": 0.01, "evaluate_every": 5},
    ),
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 256, "norm": 1, "margin": 9.0},
        task={"batch_size": 128, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 40, "lr": 0.003, "evaluate_every": 5},
    ),
}
