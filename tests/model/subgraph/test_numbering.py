"""In float32 the numbers of nodes make no difference that norms could multiply to the size of what a model sees."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch, Data

from graphlab.core.seeds import SeedStream
from graphlab.data.generators.hard_pairs import regular_pair
from graphlab.data.generators.strongly_regular import rook, shrikhande
from graphlab.model.registry import find_model
from graphlab.task.heads import Readout
from tests.model.hard_pairs import SPEC

COPIES, TOLERANCE = 6, 1e-4
PAIRS = {
    "strongly regular": (rook(4), shrikhande()),
    "regular": regular_pair(12, 3, SeedStream(0).numpy()),
}
MODELS = (
    "gin",
    "esan/ds",
    "esan/dss",
    "sun",
    "ngnn",
    "idgnn",
    "gnn-ak/ak-plus",
    "i2gnn",
    "subgraph/gswl",
    "subgraph/sswl-plus",
)


def copies(pair) -> list[Data]:
    """Both graphs of a pair in turn, under other numbers of their nodes each time."""
    random, found = SeedStream(1).torch(), []
    for _ in range(COPIES):
        for adjacency in pair:
            place = torch.randperm(len(adjacency), generator=random)
            edge_index = place[torch.from_numpy(adjacency).nonzero().T]
            found.append(Data(edge_index=edge_index, x=torch.ones(len(adjacency), 1)))
    return found


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", MODELS)
def test_copies_of_a_graph_are_alike_in_training(name, pair):
    """Norms of a batch of hardly different graphs divide by next to nothing, layer after layer."""
    entry = find_model(name)
    dropped = {"dropout": 0.0} if "dropout" in entry.config.model_fields else {}
    config = entry.config.parse(dropped, where=name)
    SeedStream(0).seed_torch()
    model = entry.build(SPEC, config).train()
    head = Readout(model, 8, "sum").train()
    preparation = entry.cls.preparation(config)
    graphs = copies(PAIRS[pair])
    batch = Batch.from_data_list(graphs if preparation is None else list(preparation.prepare(graphs)))
    with torch.no_grad():
        out = head(model(batch), batch)
    for one in (out[0::2], out[1::2]):
        assert (one - one.mean(0)).abs().max() < TOLERANCE * out.abs().mean()
