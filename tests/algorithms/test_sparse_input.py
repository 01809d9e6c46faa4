"""What the sparse algorithms refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphlab.algorithms.sparse import graphs, trajectory
from graphlab.algorithms.sparse.graphs import (
    GENERATORS,
    SparseGraph,
    delaunay,
    draw_graph,
    erdos_renyi,
    from_matrix,
    watts_strogatz,
)
from graphlab.algorithms.sparse.trajectory import (
    batch,
    sample,
    sample_split,
    trace,
)
from graphlab.core.errors import InputError, UnknownNameError
from tests.algorithms.sparse_cases import PATH, equal

# What is refused

RNG = np.random.default_rng(0)
EDGES, ONE = SparseGraph(3, PATH[:, :4]), {"s": [1, 0, 0]}
BAD = {
    "unknown algorithm": (lambda: sample("bellman_ford", "er", 8, RNG), "no sparse algorithm is named"),
    "no name": (lambda: sample(dict, "er", 8, RNG), "by its name"),
    "unknown graphs": (lambda: sample("bfs", "grid", 8, RNG), "no graph generator"),
    "unknown split": (lambda: sample_split("bfs", "er_64"), "no split of SALSA-CLRS"),
    "unknown algorithm of a split": (lambda: sample_split("bsf", "er_16"), "no sparse algorithm"),
    "no count": (lambda: sample_split("bfs", "er_16", count=0), "number of trajectories"),
    "one node": (lambda: erdos_renyi(1, RNG), "1 nodes"),
    "no nodes": (lambda: sample("bfs", "er", 0, RNG), "number of nodes"),
    "half a node": (lambda: erdos_renyi(2.5, RNG), "number of nodes"),
    "too many nodes": (lambda: delaunay(40_000, RNG), "40,000 nodes"),
    "two points": (lambda: delaunay(2, RNG), "2 nodes"),
    "small ring": (lambda: watts_strogatz(8, RNG), "8 nodes"),
    "odd k": (lambda: watts_strogatz(8, RNG, k=3), "k cannot be 3"),
    "no k": (lambda: watts_strogatz(8, RNG, k=[]), "no numbers to choose"),
    "k of text": (lambda: watts_strogatz(8, RNG, k=["4"]), "k cannot be '4'"),
    "negative p": (lambda: erdos_renyi(8, RNG, p=-0.1), "p cannot be -0.1"),
    "large p": (lambda: watts_strogatz(9, RNG, k=4, p=1.5), "p cannot be 1.5"),
    "nan": (lambda: erdos_renyi(8, RNG, p=float("nan")), "p cannot be nan"),
    "text p": (lambda: erdos_renyi(8, RNG, p="0.5"), "p cannot be '0.5'"),
    "p range": (lambda: erdos_renyi(8, RNG, p_range=(0.5, 1.2)), "p cannot be 1.2"),
    "reversed range": (lambda: erdos_renyi(8, RNG, p_range=(0.5, 0.2)), "p_range"),
    "range of one": (lambda: watts_strogatz(9, RNG, p_range=0.5), "p_range cannot be 0.5"),
    "never connected": (lambda: erdos_renyi(200, RNG, p=0.001), "none of 1,000 graphs"),
    "p = 0": (lambda: erdos_renyi(5, RNG, p=0), "is connected"),
    "unknown option": (lambda: sample("bfs", "delaunay", 8, RNG, p=0.5), "no option p"),
    "list as rows": (lambda: SparseGraph(3, PATH.T), "shape"),
    "nodes as floats": (lambda: SparseGraph(3, PATH / 2), "float64"),
    "node too large": (lambda: SparseGraph(2, PATH), "not among 2"),
    "negative node": (lambda: SparseGraph(3, -PATH), "not among 3"),
    "edge twice": (lambda: SparseGraph(3, np.tile(PATH, 2)), "twice"),
    "no square": (lambda: from_matrix(np.ones((2, 3))), "shape"),
    "no source": (lambda: trace("bfs", EDGES, {}), "lacks s"),
    "two sources": (lambda: trace("bfs", EDGES, {"s": [1, 1, 0]}), "exactly one"),
    "index as source": (lambda: trace("bfs", EDGES, {"s": 0}), "shape"),
    "weights of bfs": (lambda: trace("bfs", EDGES, {"A": np.ones(4), **ONE}), "no input A"),
    "matrix of weights": (lambda: trace("dijkstra", EDGES, {"A": np.ones((3, 3)), **ONE}), "shape"),
    "negative weight": (lambda: trace("dijkstra", EDGES, {"A": [1, 1, -1, 1], **ONE}), "not negative"),
    "infinite weight": (lambda: trace("dijkstra", EDGES, {"A": [1, 1, np.inf, 1], **ONE}), "not finite"),
    "two weights": (lambda: trace("mst_prim", EDGES, {"A": [1, 2, 3, 3], **ONE}), "undirected"),
    "one direction": (lambda: trace("fast_mis", SparseGraph(3, PATH[:, :3]), {"randomness": [0, 1, 2]}), "undirected"),
    "empty batch": (lambda: batch([]), "no trajectories"),
    "two algorithms": (
        lambda: batch([sample("bfs", "er", 4, RNG), sample("dfs", "er", 4, RNG)]),
        "bfs and dfs in one batch",
    ),
    "some hints": (
        lambda: batch([sample("bfs", "er", 4, RNG), sample("bfs", "er", 4, RNG, hints=False)]),
        "with and without hints",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_a_hint(case):
    call, message = BAD[case]
    with pytest.raises(InputError, match=message) as raised:
        call()
    assert raised.value.hint


def test_names_nearby_are_proposed():
    with pytest.raises(UnknownNameError, match="eccentricity"):
        sample("excentricity", "er", 8, RNG)
    with pytest.raises(UnknownNameError, match="er_1600"):
        sample_split("bfs", "er_160O")


def test_what_does_not_fit_in_memory_is_refused_before_it_is_made(monkeypatch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(graphs, "available_memory", lambda: 2**20)
    for kind in GENERATORS:
        draw_graph(kind, 80, rng)
        state = rng.bit_generator.state
        with pytest.raises(InputError, match="would take") as raised:
            draw_graph(kind, 30_000, rng, **({} if kind == "delaunay" else {"p": 0.1}))
        assert raised.value.hint and (kind == "ws" or rng.bit_generator.state == state)
    monkeypatch.undo()

    run = sample("eccentricity", "er", 16, np.random.default_rng(0))
    needed = sum(hint.nbytes for hint in run.hints.values())
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed)
    assert equal(trace("eccentricity", run.graph, run.inputs).hints, run.hints)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed - 1)
    monkeypatch.setattr(
        trajectory, "_write", lambda arrays, chosen, step, values: pytest.fail("hints") if step else None
    )
    with pytest.raises(InputError, match=f"would take {needed:,} bytes"):
        trace("eccentricity", run.graph, run.inputs)
    trace("eccentricity", run.graph, run.inputs, hints=False)
    monkeypatch.undo()

    runs = [run, replace(run)]
    joined = batch(runs)
    arrays = [joined.edge_index, *joined.inputs.values(), *joined.hints.values(), *joined.outputs.values()]
    needed = sum(array.nbytes for array in arrays)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed)
    batch(runs)
    monkeypatch.setattr(trajectory, "available_memory", lambda: needed - 1)
    with pytest.raises(InputError, match=f"would take {needed:,} bytes"):
        batch(runs)
