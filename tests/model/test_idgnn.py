"""ID-GNN against loops over ego networks, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch

from graphlab.model.zoo.idgnn import IdentityConvolution
from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import (
    PLAIN,
    each,
    heard,
    random_graph,
    subgraphs,
    to_networkx,
    total,
    tuples_of,
)

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def by_loops(model, data):
    whole = to_networkx(data)
    parts = subgraphs("ego", whole, len(model.layers))
    h = {(r, v): data.x[v] for r, v in tuples_of(parts)}
    h = {key: row.relu() for key, row in each(model.start[1], {k: model.start[0](row) for k, row in h.items()}).items()}
    for layer, norm in zip(model.layers, model.norms, strict=True):
        out = {}
        for r, v in h:
            near = [key for key, _ in heard("uL", parts, whole, r, v)]
            if isinstance(layer, IdentityConvolution):
                sent = [layer.map(h[key]) + (layer.root_map(h[key]) if key[1] == r else 0) for key in near]
                out[r, v] = total(sent, h[r, v])
            else:
                z = h[r, v] + total([h[key] for key in near], h[r, v])
                out[r, v] = layer.map(z) + (layer.root_map(z) if v == r else 0)
        h = {key: row.relu() for key, row in each(norm, out).items()}
    return torch.stack([h[r, r] / h[r, r].norm() for r in range(len(parts))])


@pytest.mark.parametrize("layer", ["gin", "idconv"])
def test_the_model_is_its_definition(layer):
    with torch.no_grad():
        model, batch = prepared("idgnn", {"hidden_dim": 8, "num_layers": 2, "layer": layer}, GRAPHS, PLAIN)
        expected = torch.cat([by_loops(model, graph) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("layer", ["gin", "idconv"])
@pytest.mark.parametrize("num_layers", [2, 4])
def test_its_class_bounds_it(layer, num_layers):
    check_class("idgnn", {"hidden_dim": 8, "num_layers": num_layers, "layer": layer})


def test_it_tells_apart_what_gin_cannot():
    check_sees("idgnn", {"hidden_dim": 16, "num_layers": 5}, "Bw")
