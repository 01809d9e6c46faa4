"""Graphs that no data set should have and some do: of no node, one node, no edge, many parts, with self-loops. Models
give them rows that do not depend on what else is in the batch, and finite gradients."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Categorical, DataSpec, Target
from graphlab.model.registry import build_model, find_model
from tests.model.hard_pairs import in_double

SPEC = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Categorical((3,)), edge=Categorical((2,)))
SHAPES = {
    "nothing": (0, []),
    "a node": (1, []),
    "no edge": (3, []),
    "parts": (6, [(0, 1), (1, 2), (3, 4)]),
    "a self-loop": (3, [(0, 1), (1, 1), (1, 2)]),
    "a long path": (20, [(v, v + 1) for v in range(19)]),
    "nothing again": (0, []),
}
MODELS = [
    ("subgraph/swl-sv", {}),
    ("subgraph/gswl", {"policy": "resistance"}),
    ("subgraph/sswl-plus", {"policy": "node-marked"}),
    *((f"esan/{v}", {"policy": p}) for v in ("ds", "dss") for p in ("node-deleted", "edge-deleted", "ego", "null")),
    ("ngnn", {}),
    ("ngnn", {"max_tuples": 5}),
    ("gnn-ak/ak", {}),
    ("gnn-ak/ak-plus", {"coverage": 1}),
    ("sun", {}),
    ("i2gnn", {}),
    ("idgnn", {}),
    ("ppgn", {"hidden_dims": (8, 8)}),
    ("ppgn-normalised", {}),
    ("fwl/slfwl2", {}),
    *(("osan", {"sampler": sampler}) for sampler in ("node", "edge", "k-hop", "greedy", "mst")),
    ("policy-learn", {}),
    ("spen", {}),
    ("graph-transformer", {}),
]


def graph(num_nodes, edges):
    random = SeedStream(num_nodes).torch()
    both = torch.tensor(edges + [(v, u) for u, v in edges if u != v], dtype=torch.int64).reshape(-1, 2).T.contiguous()
    kind = {edge: int(torch.randint(2, (), generator=random)) for edge in edges}
    kinds = [[kind.get((u, v), kind.get((v, u), 0))] for u, v in both.T.tolist()]
    x = torch.randint(3, (num_nodes, 1), generator=random)
    return Data(
        x=x, edge_index=both, edge_attr=torch.tensor(kinds, dtype=torch.int64).reshape(-1, 1), num_nodes=num_nodes
    )


@pytest.mark.parametrize(("name", "settings"), MODELS, ids=str)
def test_rows_of_odd_graphs(name, settings):
    SeedStream(1).seed_torch()
    entry = find_model(name)
    small = {"hidden_dim": 8, "num_layers": 2} if "hidden_dim" in entry.config.model_fields else {}
    model = build_model(name, SPEC, {**small, **settings}).double()
    policy = entry.cls.preparation(entry.config.parse(settings, where=name))

    def batch(names):
        graphs = [graph(*SHAPES[one]) for one in names]
        return in_double(Batch.from_data_list(list(policy.prepare(graphs)) if policy else graphs))

    every = batch(SHAPES)
    with torch.no_grad():
        rows, place = model.eval()(every), model.row_graph(every)
        for k, one in enumerate(SHAPES):
            torch.testing.assert_close(model(batch([one])), rows[place == k], rtol=1e-9, atol=1e-9)
    for several in (every, batch(["no edge"]), batch(["nothing"])):
        model.train().zero_grad()
        model(several).sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
