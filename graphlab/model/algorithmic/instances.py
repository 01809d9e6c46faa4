"""Trajectories as tensors, padded to one size, and which probes a network sees and predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from graphlab.algorithms.algorithm import Algorithm, Probe
from graphlab.algorithms.trajectory import Batch
from graphlab.core.errors import InputError

Tensors = Mapping[str, Tensor]

FIXED_HINT = "pred_h"
"""A hint that never changes in most algorithms: the order of the input."""

REORDERED = frozenset({"quickselect"})
"""Algorithms that change the order, beside those that predict it."""


@dataclass(frozen=True)
class Layout:
    """The probes of an algorithm as a network uses them.

    `pred_h` is an input where it never changes, as in Ibarz et al., LoG 2022.

    Attributes:
        inputs: Seen at each step.
        hints: Seen and predicted at each step.
        outputs: Predicted at the last step.
        fixed: Names of the hints that are among the inputs.
    """

    inputs: tuple[Probe, ...]
    hints: tuple[Probe, ...]
    outputs: tuple[Probe, ...]
    fixed: frozenset[str]


def layout(algorithm: Algorithm) -> Layout:
    """The probes of an algorithm as a network uses them."""
    outputs, hints = algorithm.stage("output"), algorithm.stage("hint")
    predicts_order = any(probe.name == "pred" for probe in outputs)
    changes = predicts_order or algorithm.name in REORDERED
    fixed = () if changes else tuple(probe for probe in hints if probe.name == FIXED_HINT)
    inputs = (*algorithm.stage("input"), *(replace(probe, stage="input") for probe in fixed))
    return Layout(
        inputs,
        tuple(probe for probe in hints if probe not in fixed),
        outputs,
        frozenset(probe.name for probe in fixed),
    )


@dataclass(frozen=True)
class Instances:
    """Trajectories of one algorithm, of any sizes, padded to the largest and longest with zeros.

    Shapes, by location of the probe (node, edge, graph):
        inputs, outputs: `[B, n]`, `[B, n, n]`, `[B]`
        hints: `[steps, B, n]`, `[steps, B, n, n]`, `[steps, B]`; the first step alone is enough to predict
        lengths: `[B]`, the number of steps of each
        sizes: `[B]`, the number of nodes of each
        there: `[B, n]`, whether a place has a node
    """

    algorithm: Algorithm
    inputs: dict[str, Tensor]
    hints: dict[str, Tensor]
    outputs: dict[str, Tensor]
    lengths: Tensor
    sizes: Tensor

    @property
    def there(self) -> Tensor:
        return torch.arange(self.num_nodes, device=self.sizes.device) < self.sizes.unsqueeze(1)

    @property
    def num_nodes(self) -> int:
        """Of the largest."""
        return self.inputs["pos"].shape[1]

    @property
    def num_steps(self) -> int:
        """How often a network steps: from each step of the longest trajectory to the next one, and at least once."""
        return max(int(self.lengths.max()) - 1, 1)

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device | str) -> Instances:
        """The same on a device."""
        inputs, hints, outputs = (
            {name: values.to(device) for name, values in part.items()}
            for part in (self.inputs, self.hints, self.outputs)
        )
        return Instances(self.algorithm, inputs, hints, outputs, self.lengths.to(device), self.sizes.to(device))


def collate(batches: Sequence[Batch], dtype: torch.dtype = torch.float32) -> Instances:
    """Batches of one algorithm as one, padded to the largest size and the longest trajectory.

    Args:
        batches: Of any sizes, all with their hints.
        dtype: Of real-valued probes.

    Raises:
        InputError: There are none, they are of different algorithms, or one has no hints.
    """
    if not batches:
        raise InputError("no batches to collate", hint="pass at least one")
    chosen = batches[0].algorithm
    for batch in batches:
        if batch.algorithm is not chosen:
            raise InputError(
                f"batches of {chosen.name} and {batch.algorithm.name} in one", hint="collate those of one algorithm"
            )
        if not batch.hints:
            raise InputError(
                f"a batch of {chosen.name} without hints",
                hint="sample it with hints=True; networks start from the first",
            )
    probes = layout(chosen)
    size = max(batch.num_nodes for batch in batches)
    steps = max(len(next(iter(batch.hints.values()))) for batch in batches)

    def joined(probe: Probe, arrays: list[np.ndarray], *, lead: int = 0) -> Tensor:
        parts = []
        for array in arrays:
            width = [(0, steps - len(array))] * lead + [(0, 0)]
            width += [(0, size - array.shape[-1])] * (array.ndim - lead - 1)
            parts.append(np.pad(array, width))
        whole = torch.from_numpy(np.concatenate(parts, axis=lead))
        return whole.to(dtype if probe.type == "value" else torch.int64)

    inputs = {
        probe.name: joined(
            probe,
            [
                batch.hints[probe.name][0] if probe.name in probes.fixed else batch.inputs[probe.name]
                for batch in batches
            ],
        )
        for probe in probes.inputs
    }
    hints = {
        probe.name: joined(probe, [batch.hints[probe.name] for batch in batches], lead=1) for probe in probes.hints
    }
    outputs = {probe.name: joined(probe, [batch.outputs[probe.name] for batch in batches]) for probe in probes.outputs}
    lengths = torch.from_numpy(np.concatenate([batch.lengths for batch in batches]))
    sizes = torch.tensor([batch.num_nodes for batch in batches for _ in range(len(batch))])
    return Instances(chosen, inputs, hints, outputs, lengths, sizes)


def valid(probe: Probe, there: Tensor) -> Tensor:
    """Which entries of a probe belong to nodes that are there, bool `[B, n]`, `[B, n, n]` or `[B]`."""
    match probe.location:
        case "node":
            return there
        case "edge":
            return pairs_there(there)
        case _:
            return there.any(1)


def pairs_there(there: Tensor) -> Tensor:
    """Pairs whose nodes are both there, bool `[B, n, n]`."""
    return there.unsqueeze(2) & there.unsqueeze(1)
