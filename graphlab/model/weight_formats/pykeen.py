"""Embedding models of PyKEEN, Ali et al., JMLR 2021: `torch.save(model.state_dict(), path)`, not its pickled model.

Complex vectors stand there as pairs of real and imaginary part, real halves first here; relations of rotate as complex
numbers of length 1, as angles here. With inverse triples, the rows of r and its inverse follow each other. Entities and
relations are in the sorted order of their names, as they are in data sets of one graph here. Distances have no margin
there, which changes scores and no ranking. PyKEEN's TransE has norm 1 by default, its RotatE the Euclidean norm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.weight_format import FormatConfig, Rows, WeightFormat, Weights, in_order, of_model, renamed, require

NAMES = {
    r"(entity|relation)_representations\.0\._embeddings?\.weight": r"\1.weight",
    r"(entity|relation)_representations\.0\.regularizer\..*": "",
    r"loss\..*|regularizer\..*": "",
}
OWN_SETTINGS = {"transe": {"norm": 1}, "rotate": {"norm": "l2"}}
UNIT = 1e-3
"""How far lengths of rotate's relations may be from 1."""


class Config(FormatConfig):
    """As `FormatConfig`, and

    layout   of complex vectors: pairs of real and imaginary part, or halves
    inverse  trained with inverse triples: two rows a relation
    """

    layout: Literal["pairs", "halves"] = "pairs"
    inverse: bool = False


class PyKEEN(WeightFormat):
    """Tables of entities and relations."""

    Config = Config
    models = ("transe", "distmult", "complex", "rotate")

    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        tables = renamed(weights, NAMES)
        entity = require(tables, "entity.weight", 2)
        return {"dim": entity.size(1), "reciprocal": self.config.inverse, **OWN_SETTINGS.get(model, {})}

    def alternatives(self, model: str, config: ModelConfig) -> Sequence[Mapping[str, Any]]:
        """The other norm, and the other layout of complex vectors."""
        other_layout = "halves" if self.config.layout == "pairs" else "pairs"
        values = config.to_json()
        others: dict[str, list[Mapping[str, Any]]] = {
            "transe": [{"model.norm": 3 - values.get("norm", 1)}],
            "complex": [{"weights.layout": other_layout}],
            "rotate": [{"model.norm": "l1" if values.get("norm") == "l2" else "l2"}],
        }
        return others.get(model, [])

    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        tables = renamed(weights, NAMES)
        entity, relation = require(tables, "entity.weight", 2), require(tables, "relation.weight", 2)
        if model in ("complex", "rotate") and self.config.layout == "pairs":
            entity, relation = real_first(entity), real_first(relation)
        if model == "rotate":
            relation = angles(relation)
        if self.config.inverse:
            relation = self._with_inverses(relation, rows.relations)
        else:
            relation = in_order(relation, rows.relations)
        return of_model({"entity.weight": in_order(entity, rows.entities), "relation.weight": relation})

    def _with_inverses(self, relation: Tensor, rows: Tensor | None) -> Tensor:
        """The rows of relations and then those of their inverses, of a table in which they follow each other."""
        if len(relation) % 2:
            raise InputError(
                f"the file has {len(relation)} rows of relations, an odd number",
                hint="leave weights.inverse out: it was trained without inverse triples",
            )
        return torch.cat([in_order(relation[half::2], rows) for half in range(2)])


def real_first(table: Tensor) -> Tensor:
    """Rows of (real, imaginary) pairs as real halves and then imaginary ones."""
    if table.size(1) % 2:
        raise InputError(f"rows of {table.size(1)} numbers are no complex vectors", hint="name another model=")
    return torch.cat([table[:, 0::2], table[:, 1::2]], dim=1)


def angles(relation: Tensor) -> Tensor:
    """The angles `[R, dim / 2]` of complex numbers of length 1, real halves first `[R, dim]`.

    Raises:
        InputError: Their lengths are others.
    """
    real, imaginary = relation.chunk(2, dim=1)
    if real.shape != imaginary.shape or not ((real.square() + imaginary.square()).sqrt() - 1).abs().lt(UNIT).all():
        raise InputError(
            "the relations of rotate are no complex numbers of length 1",
            hint="check weights.layout, pairs in PyKEEN's own files, and model=",
        )
    return torch.atan2(imaginary, real)
