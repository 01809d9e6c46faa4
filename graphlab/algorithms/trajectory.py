"""Trajectories: traced runs with checked inputs, batches of them padded to the longest, and the published splits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from graphlab.algorithms.algorithm import DTYPES, MASKED, MOST_NODES, Algorithm, Arrays, Probe, Values
from graphlab.algorithms.instances import Random
from graphlab.algorithms.registry import algorithm
from graphlab.core.errors import InputError, require_count
from graphlab.core.memory import available_memory, require_memory


@dataclass(frozen=True)
class Trajectory:
    """A run of an algorithm.

    Shapes, by location of the probe (node, edge, graph):
        inputs, outputs: `[n]`, `[n, n]`, `[]`
        hints: `[steps, n]`, `[steps, n, n]`, `[steps]`
    """

    algorithm: Algorithm
    inputs: dict[str, np.ndarray]
    hints: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    length: int


@dataclass(frozen=True)
class Batch:
    """Trajectories of one size. Hints are zero after the length of each trajectory.

    Shapes, by location of the probe (node, edge, graph):
        inputs, outputs: `[batch, n]`, `[batch, n, n]`, `[batch]`
        hints: `[steps, batch, n]`, `[steps, batch, n, n]`, `[steps, batch]`; empty if they were not recorded
        lengths: `[batch]`, the number of steps of each
    """

    algorithm: Algorithm
    inputs: dict[str, np.ndarray]
    hints: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    lengths: np.ndarray

    @property
    def num_nodes(self) -> int:
        return self.inputs["pos"].shape[1]

    def __len__(self) -> int:
        return len(self.lengths)


def trace(name: str, inputs: Mapping[str, Any], *, hints: bool = True) -> Trajectory:
    """Runs an algorithm and records what it passes through.

    Args:
        name: As in the benchmark, such as "bfs".
        inputs: Arrays of the inputs. `pos` and, where there are weights `A`, `adj` may be left out.
        hints: Whether to keep the hints; the length is counted anyway.

    Raises:
        UnknownNameError: No algorithm has that name.
        InputError: Inputs that are missing, unknown, of another shape, or not of the probe's type.
    """
    chosen = algorithm(name)
    checked = complete(chosen, inputs)
    num_nodes = len(checked["pos"])
    steps = chosen.trace(checked)
    recorded: list[Values] = []
    length = 0
    try:
        while True:
            values = next(steps)
            length += 1
            if hints:
                recorded.append({key: _copy(value) for key, value in values.items()})
    except StopIteration as end:
        outputs = end.value
    kept = {}
    if hints:
        kept = {
            probe.name: _stack(probe, [step[probe.name] for step in recorded], num_nodes)
            for probe in chosen.stage("hint")
        }
    results = {probe.name: _stack(probe, [outputs[probe.name]], num_nodes)[0] for probe in chosen.stage("output")}
    return Trajectory(chosen, checked, kept, results, length)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, list | np.ndarray) else value


def _stack(probe: Probe, values: list[Any], num_nodes: int) -> np.ndarray:
    array = np.asarray(values)
    if probe.type == "mask-one" and array.ndim == 1:
        array = array[:, None] == np.arange(num_nodes)
    return array.astype(DTYPES[probe.type])


def batch(trajectories: Sequence[Trajectory]) -> Batch:
    """Trajectories of one algorithm and size, side by side; hints are padded with zeros to the longest.

    Raises:
        InputError: There are none, or they differ in algorithm, size, or in whether they have hints.
    """
    if not trajectories:
        raise InputError("a batch of no trajectories", hint="pass at least one")
    first = trajectories[0]
    for other in trajectories:
        if other.algorithm is not first.algorithm or len(other.inputs["pos"]) != len(first.inputs["pos"]):
            raise InputError(
                "trajectories of different algorithms or sizes in one batch",
                hint="make a batch of each algorithm and size",
            )
        if bool(other.hints) != bool(first.hints):
            raise InputError("trajectories with and without hints in one batch", hint="trace all with the same hints=")
    longest = max(trajectory.length for trajectory in trajectories)
    hints = {
        key: np.zeros((longest, len(trajectories), *hint.shape[1:]), hint.dtype) for key, hint in first.hints.items()
    }
    for column, trajectory in enumerate(trajectories):
        for key, hint in trajectory.hints.items():
            hints[key][: trajectory.length, column] = hint
    return Batch(
        first.algorithm,
        {key: np.stack([trajectory.inputs[key] for trajectory in trajectories]) for key in first.inputs},
        hints,
        {key: np.stack([trajectory.outputs[key] for trajectory in trajectories]) for key in first.outputs},
        np.array([trajectory.length for trajectory in trajectories]),
    )


@dataclass(frozen=True)
class Split:
    """How a published split is drawn: number of instances, their size, and the seed."""

    count: int
    size: int
    seed: int


def published_split(name: str, part: Literal["train", "validation", "test"]) -> Split:
    """Count, size and seed of a split of CLRS-30.

    References:
        Velickovic et al., The CLRS Algorithmic Reasoning Benchmark, ICML 2022.
    """
    evaluated = 32 * algorithm(name).multiplier
    splits = {"train": Split(1000, 16, 1), "validation": Split(evaluated, 16, 2), "test": Split(evaluated, 64, 3)}
    if part not in splits:
        raise InputError(f"CLRS-30 has no split {part!r}", hint=f"splits: {', '.join(splits)}")
    return splits[part]


def sample_split(name: str, part: Literal["train", "validation", "test"], *, hints: bool = True) -> Batch:
    """A split of CLRS-30, traced: the instances that the reference draws with the split's seed.

    Args:
        name: As in the benchmark.
        part: Which split.
        hints: Whether to keep the hints.
    """
    split = published_split(name, part)
    return sample(name, split.count, split.size, np.random.RandomState(split.seed), hints=hints)


def sample(
    name: str,
    count: int,
    size: int,
    rng: Random,
    *,
    hints: bool = True,
    positions: Literal["uniform", "random"] = "uniform",
    **options: Any,
) -> Batch:
    """Random instances of an algorithm, traced.

    Args:
        name: As in the benchmark.
        count: How many.
        size: What the benchmark calls length. The number of nodes is the size, but one more in optimal_bst, two more in
            bipartite_matching, and 4 in segments_intersect.
        rng: Where the randomness comes from. A `RandomState` draws the reference's instances of that seed.
        hints: Whether to keep the hints.
        positions: `pos` as evenly spaced numbers, or as sorted uniform random ones, as the reference trains with.
        options: Of the algorithm's sampler, such as the probability `p` of an edge.

    Raises:
        InputError: The name, the count, the size or an option is not valid.
    """
    chosen = algorithm(name)
    require_count("the number of instances", count, "ask for at least one")
    require_count(
        "the size of an instance", size, "sizes start at 2; the benchmark has 16 for training and 64 for test"
    )
    if size < 2:
        raise InputError("an instance of size 1 has nothing to decide", hint="sizes start at 2")
    if positions not in ("uniform", "random"):
        raise InputError(f"positions cannot be {positions!r}", hint="'uniform' or 'random'")
    require_memory(
        f"{count:,} instances of {name} of size {size:,}" + (" with a hint for each node in turn" if hints else ""),
        count * _bytes(chosen, size, hints),
        available_memory(),
        "draw fewer or smaller instances, or pass hints=False",
    )
    trajectories = []
    for _ in range(count):
        try:
            inputs = chosen.sample(size, rng, **options)
        except TypeError as error:
            if not options:
                raise
            raise InputError(f"{name} cannot be sampled with {', '.join(options)}", hint=str(error)) from error
        if positions == "random":
            inputs["pos"] = _positions(chosen, inputs, rng)
        trajectories.append(trace(name, inputs, hints=hints))
    return batch(trajectories)


def _bytes(chosen: Algorithm, size: int, hints: bool) -> int:
    """Of the arrays of an instance, with as many steps as nodes: most algorithms take about as many, or more."""
    steps = {"input": 1, "output": 1, "hint": size if hints else 0}
    return sum(
        steps[probe.stage] * math.prod(probe.shape(size)) * np.dtype(DTYPES[probe.type]).itemsize
        for probe in chosen.probes
    )


def _positions(chosen: Algorithm, inputs: Mapping[str, Any], rng: Random | None) -> np.ndarray:
    """Positions of the nodes: of two strings, each has its own."""
    if "string" in inputs:
        second = int(np.sum(np.asarray(inputs["string"]) == 1))
        counts: Iterable[int] = (len(inputs["string"]) - second, second)
    else:
        leading = next(
            probe.name for probe in chosen.stage("input") if probe.location != "graph" and probe.name != "pos"
        )
        counts = (len(inputs[leading]),)
    parts = [np.arange(n) / max(n, 1) if rng is None else np.sort(rng.random(n)) for n in counts]
    return np.concatenate(parts)


def complete(chosen: Algorithm, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inputs as arrays of the probes' types, with `pos` and `adj` where they were left out.

    Raises:
        InputError: Inputs that are missing, unknown, of another shape, or not of the probe's type.
    """
    probes = {probe.name: probe for probe in chosen.stage("input")}
    derived = [name for name in ("pos", "adj") if name in probes]
    missing = [name for name in probes if name not in inputs and name not in derived]
    unknown = [name for name in inputs if name not in probes]
    if missing or unknown:
        problem = f"lacks {', '.join(missing)}" if missing else f"has no input {', '.join(unknown)}"
        raise InputError(
            f"{chosen.name} {problem}", hint=f"inputs: {', '.join(probes)}; {' and '.join(derived)} may be left out"
        )
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    for name, array in arrays.items():
        if probes[name].location != "graph" and array.ndim == 0:
            raise InputError(f"{name} of {chosen.name} is a single value", hint="pass one value a node")
    if "adj" in probes and "adj" not in arrays:
        require_square(chosen.name, arrays["A"])
        arrays["adj"] = _adjacency(arrays["A"])
    if "pos" not in arrays:
        arrays["pos"] = _positions(chosen, arrays, None)
    num_nodes = len(arrays["pos"])
    if not num_nodes:
        raise InputError(f"an instance of {chosen.name} without nodes", hint="pass arrays of one entry a node")
    if num_nodes > MOST_NODES:
        raise InputError(f"an instance of {chosen.name} with {num_nodes:,} nodes", hint=f"at most {MOST_NODES:,}")
    checked = {
        name: check_values(f"{name} of {chosen.name}", probe, arrays[name], num_nodes, probe.shape(num_nodes))
        for name, probe in probes.items()
    }
    if "adj" in checked and not np.array_equal(checked["adj"] != 0, _adjacency(checked["A"])):
        raise InputError(f"adj of {chosen.name} differs from the entries of A that are not 0", hint="leave adj out")
    for require in chosen.requires:
        require(chosen.name, checked)
    return checked


def _adjacency(weights: np.ndarray) -> np.ndarray:
    """Where the graph has an edge, and on the diagonal."""
    return (weights != 0) | np.eye(len(weights), dtype=bool)


def require_square(name: str, matrix: np.ndarray) -> None:
    """Raises InputError for what is no square matrix."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"A of {name} has shape {matrix.shape}", hint="pass a square matrix, 0 where there is no edge")


def check_values(what: str, probe: Probe, array: np.ndarray, num_nodes: int, shape: tuple[int, ...]) -> np.ndarray:
    """The array in the probe's type. Raises InputError for another shape, or values that are not of that type."""
    if array.shape != shape:
        if len(shape) == array.ndim == 2 and probe.location == "edge" and array.shape[0] != array.shape[1]:
            raise InputError(f"{what} has shape {array.shape}", hint="pass a square matrix")
        raise InputError(f"{what} has shape {array.shape}", hint=f"{num_nodes} nodes need the shape {shape}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} holds {array.dtype}, not numbers", hint="pass an array of numbers")
    if not np.isfinite(array).all():
        raise InputError(f"{what} has entries that are not finite", hint="an edge that is not there has the weight 0")
    if probe.type == "value":
        return array.astype(DTYPES["value"])
    lowest, highest = allowed(probe, num_nodes)
    if (array != np.round(array)).any() or (array < lowest).any() or (array > highest).any():
        raise InputError(
            f"{what} has entries out of its range", hint=f"a {probe.type} is a whole number in [{lowest}, {highest}]"
        )
    if probe.type == "mask-one" and (array.sum(-1) != 1).any():
        raise InputError(f"{what} is not 1 at exactly one node", hint="a mask-one has a 1 at one node and 0 elsewhere")
    return array.astype(DTYPES[probe.type])


def allowed(probe: Probe, num_nodes: int) -> tuple[int, int]:
    """The least and the largest value of a probe that is not real-valued. Outputs and hints may be masked."""
    lowest = MASKED if probe.stage != "input" and probe.type in ("class", "mask") else 0
    return lowest, {"class": probe.size - 1, "mask": 1, "mask-one": 1}.get(probe.type, num_nodes - 1)


def check(of: Batch) -> Batch:
    """The batch, if all its values fit the probes of its algorithm.

    Raises:
        InputError: A probe is missing or unknown, or has another shape or values that are not of its type.
    """
    chosen, num_nodes = of.algorithm, of.num_nodes
    for stage, arrays in (("input", of.inputs), ("hint", of.hints), ("output", of.outputs)):
        probes = {probe.name: probe for probe in chosen.probes if probe.stage == stage}
        if set(arrays) != set(probes) and not (stage == "hint" and not arrays):
            different = ", ".join(sorted(set(arrays) ^ set(probes)))
            raise InputError(f"the {stage}s of {chosen.name} differ in {different}", hint=f"it has {', '.join(probes)}")
        for name, array in arrays.items():
            lead = (len(of),)
            if stage == "hint":
                lead = (int(of.lengths.max()), len(of))
                if array.shape[:2] != lead:
                    raise InputError(
                        f"{name} of {chosen.name} has {array.shape[:2]} steps and trajectories, not {lead}",
                        hint="hints are [steps, batch, ...], padded to the longest",
                    )
                within = np.arange(lead[0])[:, None] < of.lengths
                array, lead = array[within], (int(within.sum()),)
            probe = probes[name]
            check_values(f"{name} of {chosen.name}", probe, array, num_nodes, (*lead, *probe.shape(num_nodes)))
    return of


def run_batch(of: Batch, *, hints: bool = True) -> Batch:
    """The instances of a batch, traced anew."""
    names = [probe.name for probe in of.algorithm.stage("input")]
    rows: list[Arrays] = [{name: of.inputs[name][row] for name in names} for row in range(len(of))]
    return batch([trace(of.algorithm.name, inputs, hints=hints) for inputs in rows])
