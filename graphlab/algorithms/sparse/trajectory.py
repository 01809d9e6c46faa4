"""Trajectories on sparse graphs: traced runs of checked inputs, batches as one graph, the splits of SALSA-CLRS."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from graphlab.algorithms.algorithm import DTYPES, Algorithm, Probe, Steps, Values
from graphlab.algorithms.sparse.graphs import SparseGraph, draw_graph, edge_probabilities
from graphlab.algorithms.sparse.problems import algorithm
from graphlab.algorithms.trajectory import check_values
from graphlab.core.errors import InputError, UnknownNameError, require_count, require_name
from graphlab.core.memory import available_memory, require_memory
from graphlab.core.seeds import SeedStream


@dataclass(frozen=True, eq=False)
class SparseTrajectory:
    """A run of an algorithm on a sparse graph.

    Shapes, by location of the probe (node, edge, graph); edges in the order of `graph.edge_index`:
        inputs, outputs: `[n]`, `[E]`, `[]`
        hints: `[steps, n]`, `[steps, E]`, `[steps]`; empty if they were not recorded
    """

    algorithm: Algorithm
    graph: SparseGraph
    inputs: dict[str, np.ndarray]
    hints: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    length: int


@dataclass(frozen=True, eq=False)
class SparseBatch:
    """Trajectories of one algorithm on graphs of any sizes, joined to one graph without edges between them.

    The nodes of a graph come after those of the graphs before it. `edge_index` and pointers name nodes of the whole, so
    that pointers are int64 here. Hints are zero after the length of each trajectory.

    Shapes, by location of the probe (node, edge, graph), N nodes and E edges in all, B graphs:
        edge_index: `[2, E]`
        num_nodes, num_edges, lengths: `[B]`, those of each graph
        inputs, outputs: `[N]`, `[E]`, `[B]`
        hints: `[steps, N]`, `[steps, E]`, `[steps, B]`; empty if they were not recorded
    """

    algorithm: Algorithm
    edge_index: np.ndarray
    num_nodes: np.ndarray
    num_edges: np.ndarray
    inputs: dict[str, np.ndarray]
    hints: dict[str, np.ndarray]
    outputs: dict[str, np.ndarray]
    lengths: np.ndarray

    @cached_property
    def graph(self) -> np.ndarray:
        """The graph of each node, `[N]`."""
        return np.repeat(np.arange(len(self)), self.num_nodes)

    @cached_property
    def first_node(self) -> np.ndarray:
        """The first node of each graph, `[B]`."""
        return np.cumsum(self.num_nodes) - self.num_nodes

    def __len__(self) -> int:
        return len(self.lengths)


def trace(name: str, graph: SparseGraph, inputs: Mapping[str, Any], *, hints: bool = True) -> SparseTrajectory:
    """Runs an algorithm and records what it passes through.

    Args:
        name: Of one of the six, such as "bfs".
        graph: What it runs on.
        inputs: Arrays of the inputs, of nodes and of edges in the order of the list. `pos` may be left out.
        hints: Whether to keep the hints; the length is counted anyway.

    Raises:
        UnknownNameError: No sparse algorithm has that name.
        InputError: Inputs that are missing, unknown, of another shape, or not of the probe's type; or hints that would
            not fit in memory.
    """
    chosen = algorithm(name)
    checked = _complete(chosen, graph, inputs)
    arguments = {**checked, "edge_index": graph.edge_index}
    length, values = _finish(chosen.trace(arguments))
    outputs = _empty(chosen.stage("output"), graph, 1)
    _write(outputs, chosen, 0, values)
    kept: dict[str, np.ndarray] = {}
    if hints:
        probes = chosen.stage("hint")
        require_memory(
            f"{length:,} steps of {name} on {graph.num_nodes:,} nodes and {graph.num_edges:,} edges",
            sum(length * math.prod(_shape(probe, graph)) * np.dtype(DTYPES[probe.type]).itemsize for probe in probes),
            available_memory(),
            "pass hints=False, or use a smaller graph",
        )
        kept = _empty(probes, graph, length)
        for step, values in enumerate(chosen.trace(arguments)):
            _write(kept, chosen, step, values)
    return SparseTrajectory(chosen, graph, checked, kept, {key: array[0] for key, array in outputs.items()}, length)


def _shape(probe: Probe, graph: SparseGraph) -> tuple[int, ...]:
    return {"node": (graph.num_nodes,), "edge": (graph.num_edges,), "graph": ()}[probe.location]


def _complete(chosen: Algorithm, graph: SparseGraph, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The inputs as arrays of the probes' types, with evenly spaced positions if these were left out."""
    probes = {probe.name: probe for probe in chosen.stage("input")}
    inputs = {"pos": np.arange(graph.num_nodes) / graph.num_nodes, **inputs}
    missing = [name for name in probes if name not in inputs]
    unknown = [name for name in inputs if name not in probes]
    if missing or unknown:
        problem = f"lacks {', '.join(missing)}" if missing else f"has no input {', '.join(unknown)}"
        raise InputError(f"{chosen.name} {problem}", hint=f"inputs: {', '.join(probes)}; pos may be left out")
    checked = {
        name: check_values(
            f"{name} of {chosen.name}", probe, np.asarray(inputs[name]), graph.num_nodes, _shape(probe, graph)
        )
        for name, probe in probes.items()
    }
    for require in chosen.requires:
        require(chosen.name, {**checked, "edge_index": graph.edge_index})
    return checked


def _finish(steps: Steps) -> tuple[int, Values]:
    """The number of steps of a run, and its outputs."""
    length = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return length, end.value
        length += 1


def _empty(probes: Sequence[Probe], graph: SparseGraph, length: int) -> dict[str, np.ndarray]:
    return {probe.name: np.zeros((length, *_shape(probe, graph)), DTYPES[probe.type]) for probe in probes}


def _write(arrays: Mapping[str, np.ndarray], chosen: Algorithm, step: int, values: Values) -> None:
    """Writes the values of a step; a mask-one probe that is given by its node becomes a mask."""
    for name, array in arrays.items():
        if chosen.probe(name).type == "mask-one" and np.ndim(values[name]) == 0:
            array[step, values[name]] = 1
        else:
            array[step] = values[name]


def batch(trajectories: Sequence[SparseTrajectory]) -> SparseBatch:
    """Trajectories of one algorithm as one graph; hints are padded with zeros to the longest.

    Raises:
        InputError: There are none, they differ in algorithm or in whether they have hints, or the batch would not fit
            in memory.
    """
    chosen, with_hints = _common_kind(trajectories)
    graphs = [trajectory.graph for trajectory in trajectories]
    num_nodes = np.array([graph.num_nodes for graph in graphs])
    num_edges = np.array([graph.num_edges for graph in graphs])
    lengths = np.array([trajectory.length for trajectory in trajectories])
    first_node = np.cumsum(num_nodes) - num_nodes
    rows = {"node": num_nodes, "edge": num_edges, "graph": np.ones(len(graphs), np.int64)}
    steps = {"input": 1, "hint": int(lengths.max()) if with_hints else 0, "output": 1}
    require_memory(
        f"a batch of {len(graphs):,} graphs of {num_nodes.sum():,} nodes, {steps['hint']:,} steps of hints",
        16 * int(num_edges.sum())
        + sum(
            steps[probe.stage] * int(rows[probe.location].sum()) * _batch_dtype(probe).itemsize
            for probe in chosen.probes
        ),
        available_memory(),
        "batch fewer or smaller graphs, or trace them with hints=False",
    )

    def joined(probe: Probe, arrays: list[np.ndarray]) -> np.ndarray:
        """The arrays of the trajectories, `[steps, rows]` each, side by side."""
        bounds = np.concatenate([[0], np.cumsum(rows[probe.location])]).tolist()
        whole = np.zeros((steps[probe.stage], bounds[-1]), _batch_dtype(probe))
        for array, first, end, offset in zip(arrays, bounds, bounds[1:], first_node, strict=False):
            whole[: len(array), first:end] = array
            if probe.type == "pointer":
                whole[: len(array), first:end] += offset
        return whole

    def single_step(probe: Probe, arrays: list[np.ndarray]) -> np.ndarray:
        return joined(probe, [array.reshape(1, -1) for array in arrays])[0]

    return SparseBatch(
        chosen,
        np.concatenate([graph.edge_index + first for graph, first in zip(graphs, first_node, strict=True)], axis=1),
        num_nodes,
        num_edges,
        {
            probe.name: single_step(probe, [trajectory.inputs[probe.name] for trajectory in trajectories])
            for probe in chosen.stage("input")
        },
        {
            probe.name: joined(
                probe,
                [trajectory.hints[probe.name].reshape(trajectory.length, -1) for trajectory in trajectories],
            )
            for probe in chosen.stage("hint")
            if with_hints
        },
        {
            probe.name: single_step(probe, [trajectory.outputs[probe.name] for trajectory in trajectories])
            for probe in chosen.stage("output")
        },
        lengths,
    )


def _common_kind(trajectories: Sequence[SparseTrajectory]) -> tuple[Algorithm, bool]:
    """The algorithm of all trajectories, and whether they have hints. Raises InputError where they differ."""
    if not trajectories:
        raise InputError("a batch of no trajectories", hint="pass at least one")
    chosen, with_hints = trajectories[0].algorithm, bool(trajectories[0].hints)
    for other in trajectories:
        if other.algorithm is not chosen:
            raise InputError(
                f"trajectories of {chosen.name} and {other.algorithm.name} in one batch",
                hint="make a batch of each algorithm",
            )
        if bool(other.hints) != with_hints:
            raise InputError("trajectories with and without hints in one batch", hint="trace all with the same hints=")
    return chosen, with_hints


def _batch_dtype(probe: Probe) -> np.dtype:
    """Pointers name nodes of the whole batch, which can be more than int16 has room for."""
    return np.dtype(np.int64 if probe.type == "pointer" else DTYPES[probe.type])


def unbatch(of: SparseBatch) -> list[SparseTrajectory]:
    """The trajectories that a batch was made from."""
    ends = {"node": np.cumsum(of.num_nodes), "edge": np.cumsum(of.num_edges), "graph": np.arange(1, len(of) + 1)}
    counts = {"node": of.num_nodes, "edge": of.num_edges}

    def part(name: str, array: np.ndarray, place: int) -> np.ndarray:
        probe = of.algorithm.probe(name)
        if probe.location == "graph":
            return array[..., place]
        end = int(ends[probe.location][place])
        rows = array[..., end - int(counts[probe.location][place]) : end]
        if probe.type == "pointer":
            rows = rows - of.first_node[place]
        return rows.astype(DTYPES[probe.type])

    trajectories = []
    for place in range(len(of)):
        end = int(ends["edge"][place])
        edges = of.edge_index[:, end - int(of.num_edges[place]) : end] - of.first_node[place]
        length = int(of.lengths[place])
        trajectories.append(
            SparseTrajectory(
                of.algorithm,
                SparseGraph(int(of.num_nodes[place]), edges),
                {name: part(name, array, place) for name, array in of.inputs.items()},
                {name: part(name, array[:length], place) for name, array in of.hints.items()},
                {name: part(name, array, place) for name, array in of.outputs.items()},
                length,
            )
        )
    return trajectories


def first_hints(of: SparseBatch) -> dict[str, np.ndarray]:
    """The hints of the first step of each trajectory, traced anew, `[1, rows]`: where a network starts from."""
    parts = []
    for trajectory in unbatch(of):
        values = next(of.algorithm.trace({**trajectory.inputs, "edge_index": trajectory.graph.edge_index}))
        hints = _empty(of.algorithm.stage("hint"), trajectory.graph, 1)
        _write(hints, of.algorithm, 0, values)
        parts.append(replace(trajectory, hints=hints, length=1))
    return batch(parts).hints


def sample(
    name: str, kind: str, num_nodes: int, rng: np.random.Generator, *, hints: bool = True, **options: Any
) -> SparseTrajectory:
    """A random connected graph and random inputs, traced.

    Args:
        name: Of one of the six algorithms.
        kind: "er", "ws" or "delaunay".
        num_nodes: Of the graph.
        rng: Where the randomness comes from.
        hints: Whether to keep the hints.
        options: Of the graph's function in `graphlab.algorithms.sparse.graphs`, such as the probability `p`.

    Raises:
        UnknownNameError: No sparse algorithm or kind of graph has that name.
        InputError: The number of nodes or an option is not valid.
    """
    chosen = algorithm(name)
    graph = draw_graph(kind, num_nodes, rng, **options)
    return trace(name, graph, chosen.sample(graph, rng), hints=hints)


@dataclass(frozen=True)
class SparseSplit:
    """How a part of the benchmark is drawn.

    Attributes:
        kind: Of the graphs, of `graphs.GENERATORS`.
        sizes: Numbers of nodes, one of which is drawn for each graph.
        count: How many graphs.
        options: Of the graph's function.
        hints: Whether the benchmark has hints in this part.
    """

    kind: str
    sizes: tuple[int, ...]
    count: int
    options: dict[str, Any] = field(default_factory=dict)
    hints: bool = False


TEST_SIZES = (16, 80, 160, 800, 1600)
"""Numbers of nodes of the test graphs."""

_OF_16 = {"p_range": edge_probabilities(16)}

SPLITS: dict[str, SparseSplit] = {
    "train": SparseSplit("er", (4, 7, 11, 13, 16), 10_000, _OF_16, hints=True),
    "validation": SparseSplit("er", (16,), 1000),
    **{f"{kind}_{size}": SparseSplit(kind, (size,), 1000) for kind in ("er", "ws", "delaunay") for size in TEST_SIZES},
}
"""The parts of SALSA-CLRS, as the released code has them: training, validation, and fifteen for test."""


def published_split(part: str) -> SparseSplit:
    """How a part of SALSA-CLRS is drawn: "train", "validation", or a kind and a size such as "ws_800".

    References:
        Minder et al., SALSA-CLRS: A Sparse and Scalable Benchmark for Algorithmic Reasoning, LoG 2023.
    """
    require_name("split of SALSA-CLRS", part)
    if part not in SPLITS:
        raise UnknownNameError("split of SALSA-CLRS", part, SPLITS)
    return SPLITS[part]


def sample_split(
    name: str, part: str, *, seed: int = 0, count: int | None = None, hints: bool | None = None
) -> Iterator[SparseTrajectory]:
    """The trajectories of a part of SALSA-CLRS, drawn one by one as they are asked for.

    The i-th depends on seed, part and i alone, so that fewer are the first of more. All algorithms have the same
    graphs.

    Args:
        name: Of one of the six algorithms.
        part: See `published_split`.
        seed: Of the randomness. The benchmark's own graphs are files, which are not drawn again.
        count: How many; by default as many as are published.
        hints: Whether to keep the hints; by default in training alone, as published.

    Raises:
        UnknownNameError: No sparse algorithm or part has that name.
        InputError: The count is no whole number from 1.
    """
    chosen, split = algorithm(name), published_split(part)
    count = split.count if count is None else count
    require_count("the number of trajectories", count, "ask for at least one")
    keep_hints = split.hints if hints is None else hints
    stream = SeedStream(seed).child("salsa-clrs", part)

    def draw(place: int) -> SparseTrajectory:
        rng = stream.child(place, "graph").numpy()
        graph = draw_graph(split.kind, int(rng.choice(split.sizes)), rng, **split.options)
        return trace(name, graph, chosen.sample(graph, stream.child(place, "inputs").numpy()), hints=keep_hints)

    return map(draw, range(count))
