"""ID-GNN against loops over ego networks, and what it cannot tell apart."""

from __future__ import annotations

import pytest
import torch

from tests.model.hard_pairs import check_class, check_sees, prepared
from tests.model.subgraph.loops import (
    PLAIN,
    SPEC,
    each,
    heard,
    random_graph,
    subgraphs,
    to_networkx,
    total,
    tuples_of,
)

GRAPHS = [random_graph(seed, size) for seed, size in ((0, 6), (1, 4), (4, 7))]


def by_loops(model, data, hops):
    whole = to_networkx(data)
    parts = subgraphs("ego", whole, hops)
    h = {(r, v): model.start.map(data.x[v]) for r, v in tuples_of(parts)}
    for layer in model.layers:
        out = {}
        for r, v in h:
            sent = []
            for (_, w), kind in heard("uL", parts, whole, r, v):
                message = (getattr(layer, "sent_by_root", layer.sent) if w == r else layer.sent)(h[r, w])
                bonded = None if layer.table is None else layer.table.map.tables[0].weight[kind]
                sent.append(message if bonded is None else (message + bonded).relu())
            out[r, v] = layer.own(h[r, v]) + total(sent, h[r, v])
        h = {key: row.relu() for key, row in each(layer.norm, out).items()}
    return torch.stack([h[r, r] for r in range(len(parts))])


@pytest.mark.parametrize("spec", [SPEC, PLAIN], ids=["edges", "plain"])
def test_the_model_is_its_definition(spec):
    with torch.no_grad():
        model, batch = prepared("idgnn", {"hidden_dim": 8, "num_layers": 2, "hops": 2}, GRAPHS, spec)
        expected = torch.cat([by_loops(model, graph, 2) for graph in GRAPHS])
        torch.testing.assert_close(model(batch), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("hops", [1, 3])
def test_its_class_bounds_it(hops):
    check_class("idgnn", {"hidden_dim": 8, "num_layers": 4, "hops": hops})


def test_it_tells_apart_what_gin_cannot():
    check_sees("idgnn", {"hidden_dim": 16, "num_layers": 5}, "Bw")
