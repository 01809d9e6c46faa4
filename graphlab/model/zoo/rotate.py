"""RotatE. Sun et al., ICLR 2019, eq. 2 and 5: score(h, r, t) = margin - sum_i |h_i r_i - t_i|, with |r_i| = 1.

Entities are complex vectors and a relation turns each coordinate by an angle; its inverse turns back. The margin
makes the distance a logit, and does not change a ranking.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from graphlab.core.citation import Citation
from graphlab.core.config import FloatRange, IntRange, PositiveFloat
from graphlab.data.spec import DataSpec
from graphlab.model.base import Preset
from graphlab.model.embedding import TUNED, ComplexEmbeddingModel, EmbeddingConfig
from graphlab.ops.distance import Norm, distances


class Config(EmbeddingConfig):
    """As `EmbeddingConfig`, and
    dim     even, two real numbers a complex coordinate
    margin  distance at which a triple is as likely as not
    norm    l1: the sum of the coordinates' moduli, as published; l2: the Euclidean norm, as PyKEEN has it
    """

    dim: Annotated[int, Field(ge=2, multiple_of=2), IntRange(16, 512, log=True)] = 128
    margin: Annotated[PositiveFloat, FloatRange(1.0, 24.0)] = 6.0
    norm: Literal["l1", "l2"] = "l1"


class RotatE(ComplexEmbeddingModel):
    """A relation is a rotation of each complex coordinate."""

    version = 2
    citation = Citation(
        key="sun2019",
        title="RotatE: Knowledge Graph Embedding by Relational Rotation in Complex Space",
        authors="Sun, Zhiqing and Deng, Zhi-Hong and Nie, Jian-Yun and Tang, Jian",
        year=2019,
        url="https://arxiv.org/abs/1902.10197",
        venue="ICLR",
    )

    def __init__(self, config: Config, spec: DataSpec) -> None:
        super().__init__(config, spec, relation_dim=config.dim // 2)
        self.margin = config.margin
        self.norm: Norm = "complex-l1" if config.norm == "l1" else "l2"
        nn.init.uniform_(self.relation.weight, -math.pi, math.pi)

    def relations(self, relation: Tensor) -> tuple[Tensor, Tensor]:
        angle, inverse = super().relations(relation)
        return torch.cat([angle.cos(), angle.sin()], dim=-1), inverse

    def compare(self, query: Tensor, candidates: Tensor) -> Tensor:
        return self.margin - distances(query, candidates, self.norm)


PRESETS = {
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 256, "margin": 6.0},
        task={"batch_size": 128, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 40, "lr": 0.003, "evaluate_every": 5},
    ),
}
