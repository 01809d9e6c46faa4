"""Shapes are compared before numbers are: no loss and no metric relies on broadcasting."""

from __future__ import annotations

from torch import Tensor

from graphlab.core.errors import IncompatibleError


def require_shape(what: str, values: Tensor, shape: tuple[int, ...], meaning: str) -> Tensor:
    """The values, if they have the shape.

    Args:
        what: whose values these are, in the plural, as in "the predictions of gcn".
        shape: what is needed.
        meaning: what the shape stands for, as in "[nodes, classes]".

    Raises:
        IncompatibleError: they have another shape; both shapes are named.
    """
    if tuple(values.shape) != shape:
        raise IncompatibleError(
            f"{what} have the shape {list(values.shape)}, not {list(shape)}",
            hint=f"the shape is {meaning}; values are never repeated to fit each other",
        )
    return values
