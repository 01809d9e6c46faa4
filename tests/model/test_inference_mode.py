"""Models that remember what they made of a graph give their rows in `torch.inference_mode`, and train afterwards."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from graphlab.data.spec import FACT, Categorical, Continuous, DataSpec, Target
from graphlab.model.registry import build_model

EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
FEATURES = {
    "categories": (Categorical((3,)), torch.arange(4).view(-1, 1) % 3),
    "vectors": (Continuous(8), torch.eye(4, 8)),
}


@pytest.mark.parametrize("made_inside", [False, True])
@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("name", ["gnn-micro", "nas-bench-graph"])
def test_models_of_nodes(name, features, made_inside):
    node, x = FEATURES[features]
    model, graph = (
        build_model(name, DataSpec("nodes", (Target("y", "node", "class", 3),), node=node), {}),
        Data(x=x, edge_index=EDGES),
    )
    with torch.inference_mode():
        rows = model.eval()(graph.clone() if made_inside else graph)
    torch.testing.assert_close(model(graph), rows)
    model.train()(graph).sum().backward()


@pytest.mark.parametrize("made_inside", [False, True])
def test_ultra(made_inside):
    model = build_model(
        "ultra", DataSpec("triples", (FACT,), num_relations=2, directed=True), {"dim": 8, "num_layers": 2}
    )
    graph = Data(edge_index=EDGES, edge_type=torch.tensor([0, 1, 1, 0]), num_nodes=4)
    query = torch.tensor([0, 1]), torch.tensor([0, 2])
    with torch.inference_mode():
        scores = model.eval().score(graph.clone() if made_inside else graph, *query)
    torch.testing.assert_close(model.score(graph, *query), scores)
    model.train().score(graph, *query).sum().backward()
