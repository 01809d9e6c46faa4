"""GIN against loops over nodes, on continuous and on categorical nodes, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from graphlab.core.errors import IncompatibleError
from graphlab.data.spec import Categorical, Continuous, DataSpec, Target
from graphlab.model.registry import build_model
from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import each, random_graph, to_networkx, total

SPECS = {"continuous": Continuous(2), "categorical": Categorical((3, 2))}


def graphs(kind):
    out = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4))]
    for graph in out:
        if kind == "categorical":
            graph.x = torch.stack(
                [torch.arange(int(graph.num_nodes)) % 3, torch.arange(int(graph.num_nodes)) % 2], dim=1
            )
    return out


@pytest.mark.parametrize("kind", SPECS)
def test_the_model_is_its_definition(kind):
    spec = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=SPECS[kind])
    given = graphs(kind)
    with torch.no_grad():
        model, batch = prepared("gin", {"hidden_dim": 4, "num_layers": 2}, given, spec)
        model.double()
        rows = []
        for data in given:
            graph = to_networkx(data)
            x = (
                data.x
                if kind == "continuous"
                else torch.cat([F.one_hot(data.x[:, 0], 3), F.one_hot(data.x[:, 1], 2)], 1)
            )
            states = [{v: x[v].double() for v in graph}]
            for conv in model.convs:
                h = states[-1]
                out = {v: (1 + conv.eps) * h[v] + total((h[w] for w in graph[v]), h[v]) for v in graph}
                states.append(each(conv.mlp, out))
            rows.extend(torch.cat([state[v] for state in states]) for v in graph)
        torch.testing.assert_close(model(batch), torch.stack(rows), rtol=1e-9, atol=1e-9)


def test_categories_are_whole_numbers_of_any_dtype():
    graph = graphs("categorical")[0]
    model = build_model(
        "gin", DataSpec("nodes", (Target("y", "node", "class", 2),), node=SPECS["categorical"]), {}
    ).eval()
    small = graph.clone()
    small.x = graph.x.to(torch.uint8)
    torch.testing.assert_close(model(small), model(graph), rtol=0, atol=0)


def test_its_class_bounds_it():
    check_class("gin", {"hidden_dim": 8, "num_layers": 4})


def test_a_check_that_must_fail_does():
    with pytest.raises(AssertionError, match="no farther apart"):
        check_sees("gin", {"hidden_dim": 8, "num_layers": 4}, "Bw")


def test_nodes_that_carry_nothing_are_refused():
    with pytest.raises(IncompatibleError, match="gin needs"):
        build_model("gin", DataSpec("graphs", (Target("y", "graph", "class", 1),)), {})
