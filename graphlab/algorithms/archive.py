"""Reads trajectories that the original package made, and gives values in its form.

An archive is an npz file of one algorithm with these arrays for each size, here 16:

    n16/input/A     [batch, ...]
    n16/hint/pi_h   [steps, batch, ...], for each hint; left out if the hints are
    n16/output/pi   [batch, ...]
    n16/lengths     [batch]

The benchmark's categoricals have an axis of classes: 1 at the class, or, where they are masked, -1 at the last class.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graphlab.algorithms.algorithm import DTYPES, MASKED, Probe
from graphlab.algorithms.registry import algorithm
from graphlab.algorithms.trajectory import Batch, check
from graphlab.core.errors import DataError


def read_archive(path: Path, name: str) -> dict[int, Batch]:
    """The batches of an archive by size.

    Args:
        path: The npz file.
        name: The algorithm.

    Raises:
        DataError: The file cannot be read or lacks an array.
        InputError: The values do not fit the probes of the algorithm.
    """
    chosen = algorithm(name)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path} is not an archive of trajectories: {error}", hint="pass an npz file of arrays"
        ) from error
    sizes = sorted({int(key.split("/")[0][1:]) for key in arrays if key.startswith("n") and key.endswith("/lengths")})
    if not sizes:
        raise DataError(
            f"{path} has no lengths of trajectories", hint="its keys are like n16/lengths and n16/input/pos"
        )
    batches = {}
    for size in sizes:
        prefix = f"n{size}/"
        stages: dict[str, dict[str, np.ndarray]] = {"input": {}, "hint": {}, "output": {}}
        with_hints = any(key.startswith(f"{prefix}hint/") for key in arrays)
        for probe in chosen.probes:
            key = f"{prefix}{probe.stage}/{probe.name}"
            if probe.stage == "hint" and not with_hints:
                continue
            if key not in arrays:
                raise DataError(f"{path} lacks {key}", hint=f"is it an archive of {name}?")
            stages[probe.stage][probe.name] = from_published(probe, arrays[key])
        batches[size] = check(
            Batch(chosen, stages["input"], stages["hint"], stages["output"], arrays[f"{prefix}lengths"].astype(int))
        )
    return batches


def from_published(probe: Probe, array: np.ndarray) -> np.ndarray:
    """Values of a probe from the benchmark's form."""
    if probe.type == "class":
        array = np.where((array < 0).any(-1), MASKED, array.argmax(-1))
    return array.astype(DTYPES[probe.type])


def to_published(probe: Probe, array: np.ndarray) -> np.ndarray:
    """Values of a probe in the benchmark's form, but for the steps after the end, which it has as all 0."""
    if probe.type != "class":
        return array
    one_hot = (array[..., None] == np.arange(probe.size)).astype(np.int8)
    one_hot[array == MASKED, -1] = MASKED
    return one_hot
