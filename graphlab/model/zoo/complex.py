"""ComplEx. Trouillon et al., ICML 2016, eq. 9-11: score(h, r, t) = Re(sum_i h_i r_i conj(t_i)) over complex vectors.

The inverse of r is its conjugate. Vectors hold their real halves first.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from graphlab.core.citation import Citation
from graphlab.core.config import IntRange
from graphlab.model.base import Preset
from graphlab.model.embedding import TUNED, ComplexEmbeddingModel, EmbeddingConfig


class Config(EmbeddingConfig):
    """As `EmbeddingConfig`; `dim` is even, two real numbers a complex coordinate."""

    dim: Annotated[int, Field(ge=2, multiple_of=2), IntRange(16, 512, log=True)] = 128


class ComplEx(ComplexEmbeddingModel):
    """Hermitian trilinear product of complex vectors."""

    citation = Citation(
        key="trouillon2016",
        title="Complex Embeddings for Simple Link Prediction",
        authors="Trouillon, Théo and Welbl, Johannes and Riedel, Sebastian and Gaussier, Éric and Bouchard, Guillaume",
        year=2016,
        url="https://proceedings.mlr.press/v48/trouillon16.html",
        venue="ICML",
    )


def _over_all(objective: str, *, dropout: float, epochs: int, lr: float) -> Preset:
    return Preset(
        source=TUNED,
        is_published=False,
        model={"dim": 200, "dropout": dropout, "reciprocal": True},
        task={"objective": objective, "batch_size": 128},
        training={"epochs": epochs, "lr": lr, "evaluate_every": 5},
    )


PRESETS = {
    "kg/umls": _over_all("one-vs-all", dropout=0.1, epochs=60, lr=0.003),
    "kg/kinship": _over_all("one-vs-all", dropout=0.3, epochs=40, lr=0.01),
    "kg/nations": _over_all("k-vs-all", dropout=0.5, epochs=100, lr=0.01),
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
        model={"dim": 128, "dropout": 0.3},
        task={"batch_size": 128, "num_negatives": 64, "adversarial_temperature": 1.0},
        training={"epochs": 40, "lr": 0.003, "evaluate_every": 5},
    ),
}
