"""Sparse trajectories side by side: batches, published splits, scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from torch_geometric.nn import SimpleConv

from graphlab.algorithms.sparse import trajectory
from graphlab.algorithms.sparse.graphs import (
    GENERATORS,
    SparseGraph,
    draw_graph,
    edge_probabilities,
)
from graphlab.algorithms.sparse.metrics import score_probe, scores
from graphlab.algorithms.sparse.problems import ALGORITHMS, algorithm
from graphlab.algorithms.sparse.tensors import to_data
from graphlab.algorithms.sparse.trajectory import (
    SPLITS,
    TEST_SIZES,
    batch,
    published_split,
    sample,
    sample_split,
    trace,
    unbatch,
)
from graphlab.core.errors import InputError
from tests.algorithms.sparse_cases import equal

# Batches


@st.composite
def several(draw):
    """Trajectories of one algorithm, on graphs of up to 12 nodes."""
    name = draw(st.sampled_from(list(ALGORITHMS)))
    sizes = draw(st.lists(st.integers(2, 12), min_size=1, max_size=5))
    rng, hints = np.random.default_rng(draw(st.integers(0, 10_000))), draw(st.booleans())
    return [sample(name, "er", size, rng, hints=hints) for size in sizes]


@settings(max_examples=80, deadline=None)
@given(several())
def test_a_batch_is_its_graphs_one_by_one(runs):
    joined = batch(runs)
    first = np.cumsum([0, *(run.graph.num_nodes for run in runs)])
    assert len(joined) == len(runs) and joined.edge_index.dtype == np.int64
    assert joined.graph.tolist() == [place for place, run in enumerate(runs) for _ in range(run.graph.num_nodes)]
    assert np.array_equal(joined.graph[joined.edge_index[0]], joined.graph[joined.edge_index[1]])
    assert joined.first_node.tolist() == first[:-1].tolist()
    for place, run in enumerate(runs):
        nodes = slice(first[place], first[place + 1])
        edges = joined.graph[joined.edge_index[0]] == place
        assert np.array_equal(joined.edge_index[:, edges] - first[place], run.graph.edge_index)
        for whole, own in ((joined.inputs, run.inputs), (joined.hints, run.hints), (joined.outputs, run.outputs)):
            assert list(whole) == list(own)
            for name, array in own.items():
                probe = run.algorithm.probe(name)
                columns = {"node": nodes, "edge": edges, "graph": place}[probe.location]
                part = whole[name][..., columns]
                if probe.stage == "hint":
                    assert not part[run.length :].any(), "zero after the end"
                    part = part[: run.length]
                assert np.array_equal(part - first[place] if probe.type == "pointer" else part, array)
    for run, back in zip(runs, unbatch(joined), strict=True):
        assert back.algorithm is run.algorithm and back.length == run.length
        assert back.graph.num_nodes == run.graph.num_nodes
        assert np.array_equal(back.graph.edge_index, run.graph.edge_index)
        assert equal(back.inputs, run.inputs) and equal(back.hints, run.hints) and equal(back.outputs, run.outputs)


def test_a_maximal_independent_set_of_a_batch_is_that_of_its_graphs():
    joined = batch([sample("fast_mis", kind, 20, np.random.default_rng(3)) for kind in GENERATORS])
    union = SparseGraph(60, joined.edge_index)
    assert np.array_equal(
        trace("fast_mis", union, {"randomness": joined.inputs["randomness"]}).outputs["inmis"], joined.outputs["inmis"]
    )


def test_pointers_of_large_batches_fit():
    run = sample("bfs", "ws", 1600, np.random.default_rng(0), hints=False)
    joined = batch([run] * 25)
    assert joined.outputs["pi"].max() > np.iinfo(np.int16).max and joined.outputs["pi"].min() == 0
    assert np.array_equal(joined.graph[joined.outputs["pi"]], joined.graph)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_tensors_are_the_arrays_of_the_batch_with_rows_first(name):
    rng = np.random.default_rng(0)
    joined = batch([sample(name, "er", size, rng) for size in (5, 9, 12)])
    data = to_data(joined)
    assert data.validate() and data.num_nodes == 26 and data.num_graphs == 3
    assert np.array_equal(data.edge_index, joined.edge_index) and np.array_equal(data.batch, joined.graph)
    assert np.array_equal(data.lengths, joined.lengths)
    for arrays in (joined.inputs, joined.hints, joined.outputs):
        for key, array in arrays.items():
            real = joined.algorithm.probe(key).type == "value"
            assert data[key].dtype == (torch.float32 if real else torch.int64)
            assert np.array_equal(data[key], array.T.astype(np.float32) if real else array.T)
            assert not real or to_data(joined, torch.float64)[key].dtype == torch.float64


def test_a_layer_of_message_passing_makes_a_step_of_bfs():
    rng = np.random.default_rng(0)
    data = to_data(batch([sample("bfs", kind, 20, rng) for kind in GENERATORS]))
    for step in range(int(data.lengths.max()) - 1):
        reached = data.reach_h[:, step].float().unsqueeze(1)
        new = SimpleConv("max")(reached, data.edge_index).maximum(reached).squeeze(1)
        lasts = step + 1 < data.lengths[data.batch]
        assert lasts.any() and torch.equal(new[lasts], data.reach_h[lasts, step + 1].float())


# Splits


def test_splits_have_the_published_sizes():
    test = {f"{kind}_{size}" for kind in ("er", "ws", "delaunay") for size in (16, 80, 160, 800, 1600)}
    assert set(SPLITS) == {"train", "validation"} | test and TEST_SIZES == (16, 80, 160, 800, 1600)
    train, validation = published_split("train"), published_split("validation")
    assert (train.kind, train.count, train.sizes, train.hints) == ("er", 10_000, (4, 7, 11, 13, 16), True)
    assert (validation.kind, validation.count, validation.sizes) == ("er", 1000, (16,))
    for name in test:
        kind, size = name.split("_")
        split = published_split(name)
        assert (split.kind, split.sizes, split.count, split.hints) == (kind, (int(size),), 1000, False)
    for part in test:
        (run,) = sample_split("bfs", part, count=1)
        assert run.graph.num_nodes == int(part.split("_")[1]) and not run.hints and run.graph.is_connected()


def test_training_graphs_are_of_all_sizes_and_of_the_density_of_16_nodes():
    runs = list(sample_split("bfs", "train", count=400))
    sizes = np.array([run.graph.num_nodes for run in runs])
    assert (np.abs(np.bincount(sizes)[[4, 7, 11, 13, 16]] - 80) < 40).all() and set(sizes) == {4, 7, 11, 13, 16}
    assert all(run.hints and run.graph.is_connected() for run in runs)
    density = [run.graph.num_edges / 16 / 15 for run in runs if run.graph.num_nodes == 16]
    assert 0.12 < min(density) < 0.3 and 0.45 < max(density) < 0.65
    assert published_split("train").options == {"p_range": edge_probabilities(16)}
    complete = np.mean([run.graph.num_edges == 12 for run in runs if run.graph.num_nodes == 4])
    assert complete < 0.1, "p goes up to 1 in the range of 4 nodes"


def test_a_trajectory_of_a_split_depends_on_seed_part_and_place_alone(monkeypatch):
    few, more = list(sample_split("dijkstra", "ws_16", count=3)), list(sample_split("dijkstra", "ws_16", count=5))
    for first, second in zip(few, more, strict=False):
        assert np.array_equal(first.graph.edge_index, second.graph.edge_index) and equal(first.inputs, second.inputs)
    (other,) = sample_split("dijkstra", "ws_16", count=1, seed=1)
    assert not np.array_equal(other.graph.edge_index, few[0].graph.edge_index)
    assert not np.array_equal(few[0].graph.edge_index, few[1].graph.edge_index)
    first, second = (next(sample_split("dijkstra", part)) for part in ("er_16", "validation"))
    assert not np.array_equal(first.graph.edge_index, second.graph.edge_index)
    for name in ALGORITHMS:
        (run,) = sample_split(name, "ws_16", count=1, hints=True)
        assert np.array_equal(run.graph.edge_index, few[0].graph.edge_index) and run.hints
    drawn = []
    monkeypatch.setattr(
        trajectory, "draw_graph", lambda *args, **options: drawn.append(1) or draw_graph(*args, **options)
    )
    runs = sample_split("bfs", "train")
    next(runs), next(runs)
    assert len(drawn) == 2, "no more than asked for"


# Scores


def test_scores_are_means_over_graphs():
    rng = np.random.default_rng(0)
    joined = batch([sample("fast_mis", "er", size, rng, hints=False) for size in (4, 9, 16, 30)])
    truth, graph = joined.outputs["inmis"], joined.graph
    predicted = np.where(rng.random(len(truth)) < 0.2, 1 - truth, truth) * 0.4 + 0.3
    predicted[graph == 1] = truth[graph == 1]
    result = scores(joined.algorithm, {"inmis": predicted}, joined.outputs, graph)["inmis"]
    parts = [(predicted[graph == place] > 0.5, truth[graph == place]) for place in range(4)]
    assert result["node_accuracy"] == pytest.approx(np.mean([(guess == right).mean() for guess, right in parts]))
    assert result["node_f1"] == pytest.approx(np.mean([f1_score(right, guess) for guess, right in parts]))
    assert result["graph_accuracy"] == np.mean([(guess == right).all() for guess, right in parts]) < 1
    assert 0.5 < result["node_f1"] < 1 and 0.5 < result["node_accuracy"] < 1


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_truth_scores_one_and_one_wrong_node_costs_a_graph(name):
    rng = np.random.default_rng(0)
    joined = batch([sample(name, "er", size, rng, hints=False) for size in (4, 12)])
    (probe,) = joined.algorithm.stage("output")
    truth = joined.outputs[probe.name]
    right = scores(joined.algorithm, joined.outputs, joined.outputs, joined.graph)[probe.name]
    assert right.pop("squared_error", 0) == 0 and set(right.values()) == {1} and "graph_accuracy" in right
    wrong = truth.copy()
    wrong[0] = 1 - wrong[0] if probe.type == "mask" else wrong[0] + 1
    result = score_probe(probe, wrong, truth, joined.graph)
    assert result["graph_accuracy"] == 0.5
    if probe.location == "node":
        assert result["node_accuracy"] == 1 - 1 / 4 / 2
    else:
        assert result["squared_error"] == 0.5
        assert score_probe(probe, truth + 0.4, truth, joined.graph)["graph_accuracy"] == 1
    assert ("node_f1" in result) == (probe.type == "mask")


def test_f1_of_nothing_is_one_and_a_missing_prediction_is_refused():
    probe = algorithm("fast_mis").probe("inmis")
    nothing, graph = np.zeros(4), np.array([0, 0, 1, 1])
    assert score_probe(probe, nothing, nothing, graph)["node_f1"] == 1
    assert score_probe(probe, nothing, np.array([1, 0, 0, 0]), graph)["node_f1"] == 0.5
    for predictions, message in (({}, "missing"), ({"inmis": np.zeros(3)}, "shape")):
        with pytest.raises(InputError, match=message) as raised:
            scores(algorithm("fast_mis"), predictions, {"inmis": nothing}, graph)
        assert raised.value.hint
    with pytest.raises(InputError, match="graphs of 2 nodes"):
        score_probe(probe, nothing, nothing, graph[:2])
