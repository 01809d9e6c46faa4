"""Networks on edge lists: beside the same network on matrices, symmetry, batches, losses, and that they learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlab.algorithms.algorithm import Algorithm, probes_of
from graphlab.algorithms.sparse.graphs import SparseGraph
from graphlab.algorithms.sparse.metrics import scores
from graphlab.algorithms.sparse.problems import ALGORITHMS, algorithm
from graphlab.algorithms.sparse.trajectory import batch, first_hints, sample, sample_split, trace
from graphlab.algorithms.trajectory import batch as dense_batch
from graphlab.algorithms.trajectory import trace as dense_trace
from graphlab.core.errors import InputError, UnknownNameError
from graphlab.model.algorithmic.edge_lists import (
    SparseInstances,
    collate,
    segment_argmax,
    segment_log_softmax,
    segment_max,
)
from graphlab.model.algorithmic.encoders import channels
from graphlab.model.algorithmic.instances import collate as dense_collate
from graphlab.model.algorithmic.network import Network
from graphlab.model.algorithmic.processors import ProcessorConfig
from graphlab.model.algorithmic.sparse_network import PROCESSORS, SparseNetwork
from tests.algorithms.sparse_cases import DENSE
from tests.model.algorithmic.cases import SMALL

SIZES = (("er", 7, 0), ("ws", 9, 1), ("delaunay", 6, 2))


def runs_of(name: str, hints: bool = True):
    return [sample(name, kind, size, np.random.default_rng(seed), hints=hints) for kind, size, seed in SIZES]


def instances_of(*runs) -> SparseInstances:
    return collate(batch(list(runs)), torch.float64)


def network_of(name: str, processor: str = "pgn-gated", **settings) -> SparseNetwork:
    torch.manual_seed(0)
    network = SparseNetwork(algorithm(name), processor, SMALL, **settings).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return network


class TurnedRound(Network):
    """On matrices a pointer i -> j marks the pair (i, j); on edge lists the edge j -> i, along which it is decoded."""

    def numbers(self, probe, values, instances):
        seen = super().numbers(probe, values, instances)
        return seen.transpose(1, 2) if probe.type == "pointer" else seen


def rows_of_dense(probe, scores, edges, size):
    """Scores on matrices where the edge list has them, for one instance."""
    if channels(probe).location == "edge":
        source, target = edges
        return scores[0, target, source] if probe.type == "pointer" else scores[0, source, target]
    return scores[0, :size] if probe.location == "node" else scores[0]


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("processor", PROCESSORS)
def test_a_step_is_that_on_matrices(name, processor):
    """The same maps on a matrix whose adjacency is the graph's, with true hints: all scores of all steps."""
    run = runs_of(name)[1]
    size, edges = run.graph.num_nodes, run.graph.edge_index
    adjacency = np.zeros((size, size))
    adjacency[tuple(edges)] = run.inputs.get("A", 1)
    on_matrix = dense_trace(
        name, {"A": adjacency} | {key: run.inputs[key] for key in ("s", "pos") if key in run.inputs}
    )
    sparse = network_of(name, processor, teacher_forcing=1.0)
    dense = TurnedRound(on_matrix.algorithm, processor, SMALL, teacher_forcing=1.0).double()
    weights = sparse.state_dict()
    for key, encoder, other in (("inputs", dense.inputs, sparse.inputs), ("hints", dense.hints, sparse.hints)):
        for location in encoder.maps:
            columns = torch.zeros_like(encoder.maps[location].weight)
            members = [probe for probe in encoder.probes if channels(probe).location == location]
            theirs = [probe.name for probe in other.probes if channels(probe).location == location]
            places = np.cumsum([0, *(channels(probe).width for probe in members)])
            at = 0
            for probe, first, end in zip(members, places, places[1:], strict=False):
                if probe.name in theirs:
                    columns[:, first:end] = weights[f"{key}.maps.{location}.weight"][:, at : at + end - first]
                    at += end - first
            weights[f"{key}.maps.{location}.weight"] = columns
            weights.setdefault(f"{key}.maps.{location}.bias", torch.zeros(SMALL.hidden_dim))
    dense.load_state_dict(weights)
    instances = instances_of(run)
    expected, got = dense(dense_collate([dense_batch([on_matrix])], torch.float64)), sparse(instances)
    assert len(got.hints) == len(expected.hints) == run.length - 1
    for first, second in zip([*expected.hints, expected.outputs], [*got.hints, got.outputs], strict=True):
        for probe in (*sparse.layout.hints, *sparse.layout.outputs):
            if probe.name in first:
                rows = rows_of_dense(probe, first[probe.name], instances.edge_index.numpy(), size)
                torch.testing.assert_close(second[probe.name].view_as(rows), rows, msg=probe.name)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_algorithm_is_learned(name, processor):
    """A step forward and back, and predictions that the metrics take."""
    runs = runs_of(name)
    network, instances = network_of(name, processor), instances_of(*runs)
    losses = network.losses(instances)
    assert set(losses) == {probe.name for probe in (*network.layout.outputs, *network.layout.hints)}
    network.loss(instances).backward()
    assert all(weights.grad is not None and weights.grad.isfinite().all() for weights in network.parameters())
    network.eval()
    joined = batch(runs)
    for values in scores(joined.algorithm, network.predict(instances), joined.outputs, joined.graph).values():
        assert all(0 <= value <= 1 for key, value in values.items() if key != "squared_error")


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_the_batch_changes_no_prediction(name, mode):
    """Graphs of other sizes and lengths, side by side and each alone; losses are sums over what each has."""
    runs = runs_of(name)
    network = network_of(name, teacher_forcing=1.0)
    network.train(mode == "train")
    together, places = network(instances_of(*runs)).outputs, {"node": 0, "edge": 0, "graph": 0}
    whole = instances_of(*runs)
    loops = whole.edge_index.shape[1] - len(whole.graph)
    for run in runs:
        alone = network(instances_of(run)).outputs
        counts = {"node": run.graph.num_nodes, "edge": run.graph.num_edges, "graph": 1}
        for probe in network.layout.outputs:
            where = {key: torch.arange(places[key], places[key] + counts[key]) for key in places}
            where["edge"] = torch.cat([where["edge"], loops + where["node"]])
            rows = where[channels(probe).location]
            torch.testing.assert_close(together[probe.name][rows], alone[probe.name], msg=probe.name)
        places = {key: places[key] + counts[key] for key in places}


@pytest.mark.parametrize("name", ["bfs", "eccentricity", "fast_mis"])
def test_neither_numbers_of_nodes_nor_the_order_of_edges_matter(name):
    """The true hints are renamed too: with ties between parents, a run on renamed nodes has others."""
    run = runs_of(name)[0]
    size, rng = run.graph.num_nodes, np.random.default_rng(3)
    order, edge_order = rng.permutation(size), rng.permutation(run.graph.num_edges)
    names = np.argsort(order)

    def move(values):
        moved = {}
        for key, array in values.items():
            probe = run.algorithm.probe(key)
            if probe.location == "node":
                moved[key] = (
                    names[array[..., order]].astype(array.dtype) if probe.type == "pointer" else array[..., order]
                )
            else:
                moved[key] = array[..., edge_order] if probe.location == "edge" else array
        return moved

    other = replace(
        run,
        graph=SparseGraph(size, names[run.graph.edge_index][:, edge_order]),
        inputs=move(run.inputs),
        hints=move(run.hints),
        outputs=move(run.outputs),
    )
    network = network_of(name, teacher_forcing=1.0)
    before, after = network.losses(instances_of(run)), network.losses(instances_of(other))
    for key in before:
        torch.testing.assert_close(after[key], before[key], msg=key)
    network.eval()
    for key, predicted in network.predict(instances_of(run)).items():
        assert np.allclose(network.predict(instances_of(other))[key], move({key: predicted})[key])


def test_losses_are_their_definitions():
    run = runs_of("dfs")[0]
    network, instances = network_of("dfs", teacher_forcing=1.0), instances_of(run)
    prediction, source, target = network(instances), *instances_of(run).edge_index.tolist()
    losses = network.losses(instances, prediction)
    total = 0.0
    for node in range(run.graph.num_nodes):
        edges = [edge for edge in range(len(target)) if target[edge] == node]
        chosen = [edge for edge in edges if source[edge] == run.outputs["pi"][node]]
        likely = prediction.outputs["pi"][edges].softmax(0)[edges.index(*chosen)]
        total -= likely.log() / run.graph.num_nodes
    torch.testing.assert_close(losses["pi"], total)
    visited = [
        -prediction.hints[step]["s"].log_softmax(0)[int(run.hints["s"][step + 1].argmax())]
        for step in range(run.length - 1)
        if run.hints["s"][step + 1].any()
    ]
    torch.testing.assert_close(losses["s"], torch.stack(visited).mean())


def test_edges_that_are_no_loops_are_scored():
    """A loop has no value of an edge probe, so that it has no loss."""
    run = runs_of("eccentricity")[0]
    network, instances = network_of("eccentricity", teacher_forcing=1.0), instances_of(run)
    prediction = network(instances)
    logits = torch.stack([hints["tree_h"][: run.graph.num_edges] for hints in prediction.hints])
    truth = torch.from_numpy(run.hints["tree_h"][1:]).double()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
    torch.testing.assert_close(network.losses(instances, prediction)["tree_h"], expected)


def test_segments_are_those_of_loops():
    torch.manual_seed(0)
    segment = torch.cat([torch.arange(6), torch.randint(0, 6, (30,))])
    values = torch.randint(0, 4, (36,)).double().requires_grad_()
    parts = [values[segment == place] for place in range(6)]
    assert torch.equal(segment_max(values, segment, 6), torch.stack([part.max() for part in parts]))
    expected = torch.empty_like(values)
    for place, part in enumerate(parts):
        expected[segment == place] = part.log_softmax(0)
    torch.testing.assert_close(segment_log_softmax(values, segment, 6), expected)
    torch.autograd.gradcheck(lambda rows: segment_log_softmax(rows, segment, 6), values)
    first = [int(((segment == place) & (values == parts[place].max())).nonzero()[0]) for place in range(6)]
    assert segment_argmax(values, segment, 6).tolist() == first


def test_first_hints_are_traced_where_none_were_kept():
    for name in ALGORITHMS:
        with_hints, without = batch(runs_of(name)), batch(runs_of(name, hints=False))
        assert all((first_hints(without)[key][0] == hint[0]).all() for key, hint in with_hints.hints.items())
        network = network_of(name).eval()
        for key, predicted in network.predict(collate(with_hints, torch.float64)).items():
            assert np.array_equal(network.predict(collate(without, torch.float64))[key], predicted)


def test_large_graphs_take_the_time_of_their_edges():
    """A graph of 1,600 nodes, on which rows of all pairs of a width of 8 would take 164 MB a map."""
    run = sample("bfs", "er", 1600, np.random.default_rng(0), hints=False)
    network = SparseNetwork(algorithm("bfs"), config=SMALL).eval()
    predicted = network.predict(collate(batch([run])))["pi"]
    neighbours = set(zip(*run.graph.edge_index.tolist(), strict=True))
    assert all(node == parent or (parent, node) in neighbours for node, parent in enumerate(predicted.tolist()))


def test_a_small_batch_is_learned_by_heart():
    torch.manual_seed(0)
    joined = batch(list(sample_split("bfs", "train", count=6)))
    network, instances = SparseNetwork(algorithm("bfs"), config=ProcessorConfig(hidden_dim=16)), collate(joined)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        network.loss(instances).backward()
        optimizer.step()
    network.eval()
    values = scores(joined.algorithm, network.predict(instances), joined.outputs, joined.graph)
    assert values["pi"]["graph_accuracy"] == 1


def test_a_graph_with_loops_and_one_without_edges():
    looped = SparseGraph(2, np.array([[0, 0, 1], [0, 1, 0]]))
    run = trace("bfs", looped, {"s": [1, 0]})
    instances = instances_of(run)
    assert instances.outputs["pi"].tolist() == [3, 1]  # node 0 at itself by the loop that is added, node 1 along 0 -> 1
    alone = trace("fast_mis", SparseGraph(1, np.zeros((2, 0), int)), {"randomness": [0.5]})
    network = network_of("fast_mis")
    network.loss(instances_of(alone)).backward()
    assert network.eval().predict(instances_of(alone))["inmis"].shape == (1,)


def test_bad_input_is_refused():
    run = runs_of("bfs")[0]
    far = next(node for node in range(1, 7) if not ((run.graph.edge_index == [[node], [0]]).all(0)).any())
    outputs = {"pi": np.where(np.arange(7) == 0, far, run.outputs["pi"])}
    with pytest.raises(InputError, match="pi has a pointer that is no edge"):
        instances_of(replace(run, outputs=outputs))
    with pytest.raises(InputError, match="mpnn computes on all pairs of nodes"):
        SparseNetwork(algorithm("bfs"), "mpnn")
    with pytest.raises(UnknownNameError):
        SparseNetwork(algorithm("bfs"), "pgm")
    with pytest.raises(InputError, match="instances of dfs for a network of bfs"):
        network_of("bfs")(instances_of(*runs_of("dfs")))
    with pytest.raises(InputError, match="hints of 1 steps"):
        network_of("bfs").loss(instances_of(*runs_of("bfs", hints=False)))
    with pytest.raises(InputError, match="training mode"):
        network_of("bfs").predict(instances_of(run))
    with pytest.raises(InputError, match="k, a pointer of edges"):
        SparseNetwork(Algorithm("x", probes_of(input={"node value": "pos"}, output={"edge pointer": "k"}), None, None))
