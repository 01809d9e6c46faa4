"""The space of the subgraph algebra: its spellings against networks that are built, with weights passed over."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations, product

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

import graphlab as gl
from graphlab.analysis.expressiveness import TESTS
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.registry import MODELS, build_model, find_model
from graphlab.model.subgraph.aggregation import AGGREGATIONS
from graphlab.model.subgraph.network import SubgraphNetwork
from graphlab.nas.core.objective import Objective
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.registry import find_space
from graphlab.nas.spaces.subgraph_algebra import LAYERS, POLICIES, POOLINGS, SubgraphAlgebra, model_settings
from graphlab.testing.examples import example
from tests.model.hard_pairs import ALIKE, distance, in_double
from tests.model.subgraph.loops import random_graph

BARE = DataSpec("graphs", (Target("y", "graph", "value", 1),))
WITH_NODES = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(2))
SPECS = {"bare": BARE, "nodes": WITH_NODES}
DIM = 16
MODEL = "subgraph-algebra"
OWN = ["evolution", "local-search", "agnn", "graphnas", "bayesian", "predictor"]


def architecture(policy, pooling, sets):
    names = {f"{name}_{k}": name in one for k, one in enumerate(sets, start=1) for name in AGGREGATIONS}
    cap = {"max_distance": 3} if policy == "distance" else {}
    return {"policy": policy, **cap, "pooling": pooling, "hidden_dim": DIM, "num_layers": len(sets), **names}


@cache
def batch_of(policy, spec_name):
    spec = SPECS[spec_name]
    graphs = [random_graph(seed, size, 0.45) for seed, size in enumerate((7, 6, 5))]
    plain = [
        Data(edge_index=one.edge_index, num_nodes=one.num_nodes, **({"x": one.x.float()} if spec.node else {}))
        for one in graphs
    ]
    entry = find_model("subgraph-algebra")
    prepare = entry.cls.preparation(entry.config.parse({"policy": policy, "max_distance": 3}, where=entry.name)).prepare
    return in_double(Batch.from_data_list(prepare(plain)))


@cache
def donor(policy, spec_name):
    """A network with random weights in every place that an architecture can have: what tells places apart is where
    they are, not which aggregation is there."""
    sets = (("uv", "vu", "uu", "vv"),) * 4
    settings = model_settings(architecture(policy, "VS", sets))
    SeedStream(0).seed_torch()
    found = build_model(MODEL, SPECS[spec_name], settings).double().eval()
    with torch.no_grad():
        for module in found.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.running_mean.normal_(0, 1)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.3)
        for name, values in found.named_parameters():
            if name.endswith("eps"):
                values.normal_(0, 0.3)
    return found


def rows(values, spec_name, orders):
    """What a network makes of the graphs; branch j of layer k has the weights of the donor's branch orders[k][j]."""
    policy = values["policy"]
    given = donor(policy, spec_name)
    settings = model_settings(values)
    net = build_model(MODEL, SPECS[spec_name], settings).double().eval()
    for part in ("start", "readout"):
        getattr(net, part).load_state_dict(getattr(given, part).state_dict())
    for k, (layer, order) in enumerate(zip(net.layers, orders, strict=True)):
        layer.norm.load_state_dict(given.layers[k].norm.state_dict())
        for branch, place in zip(layer.branches, order, strict=True):
            branch.load_state_dict(given.layers[k].branches[place].state_dict())
    with torch.no_grad():
        return net(batch_of(policy, spec_name))


def check_keys(spec_name, policy, candidates):
    """Two architectures have one key exactly if, with some order of their branches, they are one function."""
    space = find_space("subgraph-algebra").on(SPECS[spec_name])
    keys, whose, outs = [], [], []
    for number, (pooling, sets) in enumerate(candidates):
        values = architecture(policy, pooling, sets)
        assert space.is_valid(values)
        keys.append(space.key(values))
        for orders in product(*(permutations(range(len(one))) for one in sets)):
            whose.append(number)
            outs.append(rows(values, spec_name, orders).flatten())
    outs, whose = torch.stack(outs), torch.tensor(whose)
    assert outs.std(1).min() > 1e-3
    far = torch.cdist(outs, outs, p=float("inf"))
    assert not ((far > 1e-9) & (far < 1e-6)).any()
    same = torch.zeros(len(candidates), len(candidates), dtype=torch.bool)
    near = (far < 1e-9).nonzero()
    same[whose[near[:, 0]], whose[near[:, 1]]] = True
    expected = torch.tensor([[one == other for other in keys] for one in keys])
    wrong = (same != expected).nonzero().tolist()
    assert not wrong, [(candidates[i], candidates[j]) for i, j in wrong[:3]]
    return len(set(keys))


def one_layer(policy):
    sets = [(one,) for size in (1, 2) for one in combinations(AGGREGATIONS, size)]
    return [
        (pooling, one)
        for pooling in POOLINGS
        for one in sets
        if policy != "node-marked" or "uL" in one[0] or "vL" in one[0]
    ]


def two_layers(policy):
    return [
        (pooling, ((first,), (second,)))
        for pooling, first, second in product(POOLINGS, AGGREGATIONS, AGGREGATIONS)
        if policy != "node-marked" or {"uL", "vL"} & {first, second}
    ]


def three_layers(policy):
    return [
        (pooling, ((first,), (second,), ("uL",)))
        for pooling, first, second in product(POOLINGS, ("vu", "uu", "vv", "uG", "vG"), ("uv", "uu", "vv", "uG", "vG"))
    ] + [
        (pooling, ((first,), (second,), ("vL",)))
        for pooling, first, second in product(POOLINGS, ("vu", "uu", "vv", "uG", "vG"), ("uv", "uu", "vv", "uG", "vG"))
    ]


@pytest.mark.parametrize("of", [one_layer, two_layers, three_layers])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("spec_name", SPECS)
def test_keys_are_equal_exactly_where_networks_are(spec_name, policy, of):
    candidates = of(policy)
    found = check_keys(spec_name, policy, candidates)
    assert found == len(candidates) if spec_name == "nodes" else found < len(candidates)


TURN = {"uu": "vv", "vv": "uu", "uL": "vL", "vL": "uL", "uG": "vG", "vG": "uG"}


@pytest.mark.parametrize("seed", range(6))
def test_deep_networks_are_the_same_with_root_and_node_exchanged(seed):
    """Where nodes carry nothing; the branch that takes a branch's place has its weights."""
    random = np.random.default_rng(seed)
    policy = POLICIES[seed % 3]
    sets = tuple(
        tuple(np.array(AGGREGATIONS)[random.permutation(8)[:size]].tolist()) for size in random.integers(1, 5, 4)
    )
    sets = (*sets[:3], ("uL", *(name for name in sets[3] if name != "uL"))[:4])
    turned = tuple(tuple(TURN.get(name, name) for name in one) for one in sets)
    first, second = architecture(policy, "VS", sets), architecture(policy, "SV", turned)
    ordered = [[name for name in AGGREGATIONS if name in one] for one in sets]
    places = [[one.index(name) for name in order] for one, order in zip(sets, ordered, strict=True)]
    ordered = [[name for name in AGGREGATIONS if name in one] for one in turned]
    turned_places = [[one.index(name) for name in order] for one, order in zip(turned, ordered, strict=True)]
    torch.testing.assert_close(rows(first, "bare", places), rows(second, "bare", turned_places), rtol=1e-9, atol=1e-9)
    assert (rows(first, "nodes", places) - rows(second, "nodes", turned_places)).abs().max() > 1e-3
    space = SubgraphAlgebra()
    assert space.on(BARE).key(first) == space.on(BARE).key(second)
    assert space.on(WITH_NODES).key(first) != space.on(WITH_NODES).key(second)


def test_directions_and_what_nodes_carry_end_the_symmetry():
    space = find_space("subgraph-algebra")
    assert space.on(BARE).symmetric
    assert not space.on(WITH_NODES).symmetric
    assert not space.on(DataSpec("graphs", (Target("y", "graph", "class", 1),), directed=True)).symmetric


def test_what_is_no_network():
    space = SubgraphAlgebra()
    assert not space.is_valid(architecture("distance", "VS", (("uL",), ())))
    assert not space.is_valid(architecture("node-marked", "VS", (("uG", "vv"), ("vu",))))
    assert space.is_valid(architecture("distance", "VS", (("uG", "vv"), ("vu",))))
    assert space.is_valid(architecture("node-marked", "SV", (("uG",), ("vL",))))


def test_marks_without_neighbours_see_no_edge():
    """What `is_valid` refuses: graphs of one size that differ in edges alone are one to such a network."""
    values = architecture("node-marked", "VS", (("uG", "vv"), ("vu", "vG")))
    settings = model_settings(values)
    SeedStream(0).seed_torch()
    net = build_model(MODEL, BARE, settings).double().eval()
    graphs = [random_graph(seed, 6) for seed in (1, 2)]
    assert graphs[0].num_edges != graphs[1].num_edges
    ready = net.policy.prepare([Data(edge_index=one.edge_index, num_nodes=6) for one in graphs])
    with torch.no_grad():
        out = net(in_double(Batch.from_data_list(ready)))
    torch.testing.assert_close(out[:6], out[6:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in MODELS.names() if name.startswith("subgraph/")])
def test_the_models_of_the_hierarchy_are_points_of_the_space(name):
    cls = find_model(name).cls
    assert issubclass(cls, SubgraphNetwork)
    values = {
        **architecture("distance", cls.pooling, (cls.aggregations,) * LAYERS),
        "hidden_dim": 96,
        "max_distance": 5,
    }
    space = SubgraphAlgebra()
    assert space.canonical(values) == values
    settings = model_settings(values)
    SeedStream(3).seed_torch()
    ours = build_model(MODEL, WITH_NODES, settings)
    SeedStream(3).seed_torch()
    theirs = build_model(name, WITH_NODES, {})
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert space.about(values) == {"class": cls.expressiveness(find_model(name).config())}


@pytest.mark.parametrize("seed", range(8))
def test_no_weights_tell_apart_a_pair_that_the_class_of_an_architecture_cannot(seed):
    """Layers with sets of their own, of every policy; first and foremost sets that are not strong."""
    space = SubgraphAlgebra()
    random = np.random.default_rng(seed)
    weak = [name for name in AGGREGATIONS if name not in ("uL", "vL", "vu")]
    side, policy = ("uL", "vL")[seed % 2], POLICIES[seed % 3]
    sets = [tuple(random.permutation(weak)[: random.integers(1, 3)].tolist()) for _ in range(4)]
    sets[seed % 4] = (side,)
    sets[(seed + 2) % 4] = tuple(AGGREGATIONS) if seed == 7 else (*sets[(seed + 2) % 4], side)
    values = architecture(policy, POOLINGS[seed // 4], tuple(sets))
    found = space.about(values)["class"]
    settings = model_settings(values)
    for base in ALIKE[found]:
        assert distance(MODEL, settings, base) < 1e-9


def test_classes_by_name():
    def class_of(policy, pooling, *sets):
        return SubgraphAlgebra().about(architecture(policy, pooling, sets))["class"]

    assert class_of("distance", "VS", ("uL",), ("uL", "uG")) == "SWL(VS)"
    assert class_of("distance", "VS", ("uL",), ("vv",)) == "PSWL(VS)"
    assert class_of("node-marked", "SV", ("uu",), ("vL",)) == "PSWL(VS)"
    assert class_of("resistance", "SV", ("uL",)) == "PSWL(SV)"
    assert class_of("distance", "SV", ("uL",), ("vG",)) == "GSWL"
    assert class_of("resistance", "VS", ("uL",), ("vL",)) == "SSWL"
    assert class_of("distance", "VS", ("uG",), ("vv",)) == ""


def test_a_graph_has_a_node_an_aggregation():
    space = SubgraphAlgebra()
    values = architecture("distance", "VS", (("uL", "vv"), ("uG",)))
    graph = space.graph(values)
    assert len(graph.labels) == 2 + 3 + 1
    assert max(graph.labels) < space.num_labels
    assert set(graph.edges) == {(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)}


@pytest.mark.slow
def test_the_command(cli, tmp_path):
    words = ["search", "random", "substructures/triangles", "--space", "subgraph-algebra", "--trials", 3, "--seed", 1]
    words += ["--set", "training.epochs=1", "--store", tmp_path, "--json"]
    found = cli(*words)
    assert found.code == 0
    assert found.json["space"] == "subgraph-algebra"
    assert found.json["finished"] == 3
    assert found.json["best"]["architecture"]["policy"] in POLICIES
    assert found.json["best"]["class"] in {*TESTS, ""}


class Neighbours(Objective):
    """How many layers hear of neighbours of the root, less how many branches there are."""

    directions = {"validation": "maximize"}
    identity = {}

    def evaluate(self, values, on_step):
        sets = model_settings(values)["aggregations"]
        return Evaluation({"validation": float(sum("vL" in one for one in sets) - 0.1 * sum(map(len, sets)))})


@pytest.mark.slow
@pytest.mark.parametrize("strategy", [*OWN, "random", "tpe", "nsga2", "gp"])
def test_every_strategy_chooses_in_it(strategy, run_search):
    settings = {"startup": 6} if strategy in ("gp", "tpe", "bayesian", "predictor", "agnn") else {}
    space = SubgraphAlgebra(symmetric=True)
    found = run_search(strategy, space, Neighbours(), 10 if strategy == "gp" else 25, **settings).history.outcomes
    assert len({one.key for one in found}) == len(found) >= 10
    assert all(space.is_valid(one.values) and space.canonical(one.values) == one.values for one in found)


@pytest.mark.parametrize("strategy", ["agnn", "tpe"])
def test_strategies_search_it(strategy, tmp_path):
    data = example("graph-regression")
    found = gl.search(strategy, data, space="subgraph-algebra", trials=3, store=tmp_path, **{"training.epochs": 1})
    assert len({one.key for one in found.finished}) == 3
    assert {"policy", "pooling", "hidden_dim", "num_layers"} <= set(found.importances()["decision"])
    assert set(found.df["class"]) <= {*TESTS, ""}


def test_an_architecture_in_a_line():
    values = architecture("distance", "SV", (("uL", "vv"), ("uG",)))
    assert SubgraphAlgebra().spelt(values) == "distance 3, vv + uL -> uG, pooled SV, width 16: within PSWL(SV)"
    blind = architecture("resistance", "VS", (("uG",),))
    assert SubgraphAlgebra().spelt(blind) == "resistance, uG, pooled VS, width 16"
