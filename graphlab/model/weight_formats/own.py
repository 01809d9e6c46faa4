"""State dicts under GraphLab's own names: of a model, or of a model and its task's head as checkpoints hold both."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig
from graphlab.model.weight_format import Rows, WeightFormat, Weights, of_model

PARTS = ("model.", "head.")


class Own(WeightFormat):
    """Weights of a model of the zoo, or of a model of one's own."""

    def model(self, weights: Weights, requested: str | None) -> str:
        if requested is None:
            raise InputError("weights of the format own do not say which model they are of", hint="name it as model=")
        return requested

    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        return {}

    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        if rows.entities is not None or rows.relations is not None:
            raise InputError("weights of one's own are in the data set's order", hint="leave the names out")
        return dict(weights) if all(name.startswith(PARTS) for name in weights) else of_model(weights)
