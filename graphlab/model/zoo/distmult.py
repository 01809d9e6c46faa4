"""DistMult. Yang et al., ICLR 2015, eq. 3 with a diagonal form: score(h, r, t) = sum_i h_i r_i t_i.

Symmetric: (h, r, t) and (t, r, h) score alike, whatever the relation.
"""

from __future__ import annotations

from torch import Tensor

from graphlab.core.citation import Citation
from graphlab.model.base import Preset
from graphlab.model.embedding import TUNED, EmbeddingConfig, EmbeddingModel


class Config(EmbeddingConfig):
    """As `EmbeddingConfig`."""


class DistMult(EmbeddingModel):
    """Trilinear product of real vectors."""

    citation = Citation(
        key="yang2015",
        title="Embedding Entities and Relations for Learning and Inference in Knowledge Bases",
        authors="Yang, Bishan and Yih, Wen-tau and He, Xiaodong and Gao, Jianfeng and Deng, Li",
        year=2015,
        url="https://arxiv.org/abs/1412.6575",
        venue="ICLR",
    )

    def query(self, head: Tensor, relation: Tensor, inverse: Tensor) -> Tensor:
        return head * relation


PRESETS = {
    "kinship-rules": Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 64, "dropout": 0.3},
        task={"batch_size": 128, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 40, "lr": 0.01, "evaluate_every": 5},
    ),
    "kg-completion": Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 256, "dropout": 0.5},
        task={"batch_size": 128, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 40, "lr": 0.003, "evaluate_every": 5},
    ),
}
