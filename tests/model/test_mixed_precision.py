"""Steps in bfloat16 where maps and tables of embeddings meet: graphs whose edges carry something, paths."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Categorical, Continuous, DataSpec, Target
from graphlab.model.registry import MODELS, find_model
from tests.model.test_nbfnet import QUERY, graph, nbfnet

FEATURES = {
    "maps": (Continuous(3), Continuous(2)),
    "tables": (Categorical((3,)), Categorical((2,))),
    "maps of nodes": (Continuous(3), Categorical((2,))),
    "maps of edges": (Categorical((3,)), Continuous(2)),
}
NEED_VECTORS = frozenset({"appnp", "gat", "gat-sep", "gcn", "gcnii", "gin-chain", "gprgnn", "mlp", "sage", "sage-sep"})
MODELS_OF_GRAPHS = [name for name in MODELS.names() if "graph-prediction" in find_model(name).cls.tasks]


def values(features, rows, random):
    if isinstance(features, Continuous):
        return torch.randn(rows, features.dim, generator=random)
    return torch.randint(features.sizes[0], (rows, 1), generator=random)


def graphs(node, edge):
    for size in (5, 7):
        random = SeedStream(size).torch()
        upper = torch.triu(torch.rand(size, size, generator=random) < 0.5, 1)
        edge_index = (upper | upper.T).nonzero().T.contiguous()
        x, edge_attr = values(node, size, random), values(edge, edge_index.size(1), random)
        yield Data(x=x, edge_index=edge_index, edge_attr=edge_attr)


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("name", MODELS_OF_GRAPHS)
def test_nodes_and_edges_of_any_kind(name, features):
    node, edge = FEATURES[features]
    entry, spec = find_model(name), DataSpec("graphs", (Target("y", "graph", "value", 1),), node=node, edge=edge)
    if isinstance(node, Categorical) and name in NEED_VECTORS:
        pytest.skip("needs vectors of nodes")
    config = entry.config()
    preparation = entry.cls.preparation(config)
    ready = list(graphs(node, edge))
    batch = Batch.from_data_list(list(ready if preparation is None else preparation.prepare(ready)))
    SeedStream(0).seed_torch()
    model = entry.build(spec, config)
    for training in (True, False):
        with torch.autocast("cpu", torch.bfloat16):
            rows = model.train(training)(batch)
        rows.float().sum().backward()
        assert rows.isfinite().all() and all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("settings", [{}, {"recompute": True}, {"layer_norm": False, "residual": False}], ids=str)
@pytest.mark.parametrize("dependent", [True, False])
def test_paths(settings, dependent):
    model = nbfnet(dependent=dependent, **settings)
    with torch.autocast("cpu", torch.bfloat16):
        scores = model.score(graph(), *QUERY)
    scores.float().sum().backward()
    torch.testing.assert_close(scores.float(), model.score(graph(), *QUERY), rtol=0.1, atol=0.05)
