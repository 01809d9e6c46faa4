"""Degree-Quant in a network: which nodes are protected is drawn once a forward pass, for all places.

Reference: Tailor, Fernandez-Marques and Lane, Degree-Quant: Quantization-Aware Training for Graph Neural Networks,
ICLR 2021.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphlab.core.errors import IncompatibleError
from graphlab.model.sparse_features import Remembered
from graphlab.quantization.degree_quant import DegreeQuantiser, draw_protected, protection_probabilities
from graphlab.quantization.formats import Format
from graphlab.quantization.observers import Observer

TASKS = frozenset({"node-classification", "graph-prediction"})


class Protection:
    """The nodes that are protected in the present forward pass of a model, which it is told of by hooks.

    Args:
        model: Maps graphs; hooks are put on it.
        low, high: Probabilities of the nodes of least and of largest in-degree.

    Raises:
        IncompatibleError: The model does not map graphs to rows of nodes or of graphs.
    """

    def __init__(self, model: Any, low: float, high: float) -> None:
        if not TASKS & getattr(type(model), "tasks", frozenset()):
            raise IncompatibleError(
                f"{type(model).__name__} has no rows of nodes to protect", hint="leave protect_high at 0"
            )
        self.is_protected: Tensor | None = None
        self.low, self.high = low, high
        self._probability = Remembered(self._of_degrees)
        model.register_forward_pre_hook(self._draw)
        model.register_forward_hook(self._forget)

    def _of_degrees(self, edge_index: Tensor, num_nodes: int) -> Tensor:
        in_degree = torch.bincount(edge_index[1], minlength=num_nodes)
        return protection_probabilities(in_degree, self.low, self.high)

    def _draw(self, model: nn.Module, inputs: tuple[Any, ...]) -> None:
        if model.training:
            graph = inputs[0]
            self.is_protected = draw_protected(self._probability(graph["edge_index"], int(graph.num_nodes or 0)))

    def _forget(self, model: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        self.is_protected = None


class ProtectedQuantiser(DegreeQuantiser):
    """Rounds values; where these are rows of the nodes of the present graph, the protected ones pass in training."""

    reads_rows = True

    def __init__(self, number_format: Format, observer: Observer, protection: Protection) -> None:
        super().__init__(number_format, observer)
        self.protection = protection

    def forward(self, value: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] the mask is had from elsewhere
        mask = self.protection.is_protected
        is_of_nodes = mask is not None and value.dim() > 1 and len(value) == len(mask)
        return super().forward(value, is_protected=mask if is_of_nodes else None)
