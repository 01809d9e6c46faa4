"""Published weights of other programs: one adapter a format.

A format is a file in `graphlab.model.weight_formats`, found by its stem. It says which model of the zoo the weights are
of, reads settings off their shapes, and renames and reorders the tensors. What shapes do not tell, as the direction in
which edges were walked, is a setting of the format or of the model; `alternatives` lists the other values, so that an
import can find out that one of them is meant. A run of such weights names the format as its setting `weights`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field
from torch import Tensor

from graphlab.core.config import Config
from graphlab.core.errors import InputError
from graphlab.data.spec import DataSpec
from graphlab.model.base import ModelConfig

WEIGHTS = "weights"
"""The setting of a run that names the format of its weights, and the group of the format's own settings."""

LISTED = 4
"""Names that an error lists."""

Weights = Mapping[str, Tensor]


class FormatConfig(Config):
    """sha256  of the file that the weights are from
    order   sha256 of the names in whose order rows of entities or relations stand; empty for the data set's order
    """

    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    order: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""


@dataclass(frozen=True)
class Rows:
    """Which row of a file is that of each entity and of each relation of the data set, int64; None where they are in
    the same order."""

    entities: Tensor | None = None
    relations: Tensor | None = None


class WeightFormat(ABC):
    """Base of the formats. A subclass names its `Config`, and `models`, those that its weights may be of.

    `version` is raised when the same file and settings come to give other weights.
    """

    Config: ClassVar[type[FormatConfig]] = FormatConfig
    version: ClassVar[int] = 1
    models: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: Any) -> None:
        self.config = config

    def model(self, weights: Weights, requested: str | None) -> str:
        """The model that the weights are of. Raises InputError if they do not tell, or tell another one."""
        return one_model(type(self).__name__, self.models, requested)

    @abstractmethod
    def settings(self, model: str, weights: Weights) -> dict[str, Any]:
        """Settings of the model that the weights decide.

        Raises:
            InputError: They are of another model or program.
        """

    def alternatives(self, model: str, config: ModelConfig) -> Sequence[Mapping[str, Any]]:
        """Settings, by dotted name, with which these weights would fit too and mean something else."""
        return ()

    @abstractmethod
    def convert(
        self, model: str, config: ModelConfig, spec: DataSpec, weights: Weights, rows: Rows
    ) -> dict[str, Tensor]:
        """The tensors by the names of the learner's state dict, `model.` before those of the model.

        Raises:
            InputError: A name is unknown, or a tensor breaks what its format promises.
        """


def one_model(what: str, models: Sequence[str], requested: str | None) -> str:
    """The requested one of the models, or the only one. Raises InputError for none."""
    if requested is None and len(models) == 1:
        return models[0]
    if requested is not None and requested in models:
        return requested
    problem = "do not say which model they are of" if requested is None else f"are none of {requested}"
    raise InputError(f"weights of the format {what} {problem}", hint=f"name it as model=, one of {', '.join(models)}")


def renamed(weights: Weights, names: Mapping[str, str]) -> dict[str, Tensor]:
    r"""The tensors under other names.

    Args:
        names: From a pattern of the whole name to the new one, as `re.sub` takes them; to the empty name for what is no
            weight of the model.

    Raises:
        InputError: A name fits no pattern.
    """
    patterns = {re.compile(pattern): new for pattern, new in names.items()}
    renamed_weights: dict[str, Tensor] = {}
    unknown = []
    for name, tensor in weights.items():
        match = next((match.expand(new) for p, new in patterns.items() if (match := p.fullmatch(name))), None)
        if match is None:
            unknown.append(name)
        elif match:
            renamed_weights[match] = tensor
    if unknown:
        raise InputError(
            f"the file has weights that its format does not know: {listed(unknown)}",
            hint="is it of another format, or of another version of the model?",
        )
    return renamed_weights


def require(weights: Weights, name: str, num_dims: int) -> Tensor:
    """A tensor of the file that settings are read off. Raises InputError if it is not there or has other dimensions."""
    tensor = weights.get(name)
    if tensor is None:
        raise InputError(f"the file has no {name}", hint="is it of this format? see docs/WEIGHTS.md for its names")
    if tensor.dim() != num_dims:
        raise InputError(f"{name} has the shape {list(tensor.shape)}", hint=f"it has {num_dims} dimensions there")
    return tensor


def require_fit(weights: Weights, state: Weights) -> None:
    """See that weights are those of a state dict: the same names and shapes, and finite numbers.

    Raises:
        InputError: They are not; the first kind of defect is told.
    """
    defects = {
        "weights are missing": [name for name in state if name not in weights],
        "weights are not the model's": [name for name in weights if name not in state],
        "shapes differ": [
            f"{name} {list(weights[name].shape)}, the model's {list(state[name].shape)}"
            for name in state.keys() & weights.keys()
            if weights[name].shape != state[name].shape
        ],
        "numbers are not finite": [name for name, tensor in weights.items() if not tensor.isfinite().all()],
    }
    for problem, names in defects.items():
        if names:
            raise InputError(
                f"the weights do not fit: {problem}: {listed(sorted(names))}",
                hint="set the model's settings to those that it was trained with, and name its data set",
            )


def depth(weights: Weights, pattern: str) -> int:
    """How many layers there are: one more than the largest number that the pattern's group reads off a name.

    Raises:
        InputError: No name fits.
    """
    numbers = [int(match[1]) for name in weights if (match := re.match(pattern, name))]
    if not numbers:
        raise InputError(
            f"the file has no weights of layers but {listed(list(weights))}", hint="is it of another format?"
        )
    return max(numbers) + 1


def in_order(table: Tensor, rows: Tensor | None) -> Tensor:
    """The rows of a table in the data set's order. Raises InputError where the table has other rows."""
    if rows is None:
        return table
    if len(rows) != len(table):
        raise InputError(
            f"{len(rows)} names are listed and a table has {len(table)} rows", hint="list the names of all rows"
        )
    return table[rows]


def of_model(weights: Weights) -> dict[str, Tensor]:
    """The same under the names of a learner."""
    return {f"model.{name}": tensor for name, tensor in weights.items()}


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many others there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
