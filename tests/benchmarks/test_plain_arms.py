"""What benchmarks compare with is the same function of the same weights."""

from __future__ import annotations

import sys

import pytest
import torch
from torch_geometric.data import Batch

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Categorical, Continuous, DataSpec, Target
from graphlab.model.registry import find_model
from tests.docs.blocks import ROOT
from tests.model.subgraph.loops import KINDS, random_graph


@pytest.fixture
def plain_subgraph(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.delitem(sys.modules, "plain_subgraph", raising=False)
    import plain_subgraph  # pyright: ignore[reportMissingImports]

    return plain_subgraph


def test_a_plain_subgraph_network_has_the_values_and_gradients_of_ours(plain_subgraph):
    spec = DataSpec("graphs", (Target("y", "graph", "value", 1),), node=Continuous(2), edge=Categorical((KINDS,)))
    entry = find_model("subgraph/sswl-plus")
    config = entry.config.parse({"hidden_dim": 8, "num_layers": 2}, where="test")
    SeedStream(0).seed_torch()
    model = entry.build(spec, config).double()
    batch = Batch.from_data_list(list(entry.cls.preparation(config).prepare([random_graph(0), random_graph(1, 5)])))
    found = []
    for arm in ("compiled", "plain"):
        if arm == "plain":
            model.__class__ = plain_subgraph.PlainSubgraphNetwork
            batch = plain_subgraph.listed(model, batch)
        out = model(batch)
        found.append([out, *torch.autograd.grad(out.square().sum(), list(model.parameters()), allow_unused=True)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
