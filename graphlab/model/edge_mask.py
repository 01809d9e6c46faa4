"""A mask on the edges of the one graph that a model reads."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.pruned_weights import FreeMask
from graphlab.model.sparse_features import Remembered
from graphlab.pruning.masks import keep_largest

LEAST = 1e-3
"""Weight of an edge whose learned number is smaller."""


class EdgeMask(FreeMask):
    """Has a model read the edges that are kept, with their weights times the learned numbers, LEAST at the least.

    Args:
        num_edges: Columns of `edge_index` of the graph.
    """

    def __init__(self, num_edges: int, lr_factor: float) -> None:
        super().__init__(torch.ones(num_edges), lr_factor)
        self._visible = Remembered(lambda edge_index, mask: edge_index[:, mask])

    def install(self, model: nn.Module) -> None:
        """Have a model read its batches so."""
        model.register_forward_pre_hook(lambda _, values: (self.visible(values[0]), *values[1:]))

    def keep(self, kept: int) -> None:
        """Prune all but the edges of the largest numbers, of those that are kept."""
        if kept < self.kept:
            (mask,) = keep_largest([self.score.detach().where(self.mask, -torch.inf)], kept)
            self.mask.copy_(mask)

    def require_learned(self) -> None:
        """Raises IncompatibleError where an epoch has changed all numbers alike: the model has no gradient of them."""
        numbers = self.score.detach()[self.mask]
        if not self.is_fixed and numbers.numel() > 1 and bool((numbers == numbers[0]).all()):
            raise IncompatibleError(
                "the mask of edges has learned nothing: this model has no gradient of weights of edges",
                hint="choose another one, as gcn, or use transform=ticket",
            )

    def visible(self, batch: Data) -> Data:
        """The batch without the edges that are pruned; that itself is left as it is.

        Raises:
            IncompatibleError: It has other edges than those that the mask is for.
        """
        edge_index: Tensor = batch["edge_index"]
        if edge_index.size(1) != len(self.mask):
            raise IncompatibleError(
                f"the graph has {edge_index.size(1):,} edges, and the mask is for {len(self.mask):,}",
                hint="map the graph that it was trained on",
            )
        weight = self._weight(batch.get("edge_weight"))
        seen: Any = copy.copy(batch)
        seen["edge_index"] = self._visible(edge_index, self.mask)
        if weight is not None:
            seen["edge_weight"] = weight
        return seen

    def _weight(self, weight: Tensor | None) -> Tensor | None:
        """Of the edges that are kept; None where all count alike."""
        kept = None if weight is None else weight[self.mask]
        if self.is_fixed:
            return kept
        learned = self.score[self.mask].clamp(min=LEAST)
        return learned if kept is None else learned * kept


def mask_edges(model: Any, spec: DataSpec, lr_factor: float) -> EdgeMask:
    """Put a mask on the edges that a model reads.

    Raises:
        IncompatibleError: The edges are not those of one graph that each batch holds, or the model reads no weights.
    """
    if spec.num_edges is None:
        raise IncompatibleError(
            "edges of one graph are pruned, and the batches here are several graphs or samples",
            hint="train on the nodes of one graph, without task.batch_size, or use transform=ticket",
        )
    # gat and sage are built to read weights only where the data set has some.
    if "edge_weight" not in type(model).edge_fields or not getattr(model, "weighted", True):
        raise IncompatibleError(
            f"{type(model).__name__} reads no weights of edges here, which their mask is learned as",
            hint="choose a model that does, as gcn, or use transform=ticket",
        )
    mask = EdgeMask(spec.num_edges, lr_factor)
    mask.install(model)
    return mask
