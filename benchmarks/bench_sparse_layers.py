"""What sparse products save: the operators of NAS-Bench-Graph, forward and backward, over PyG's layers of their names.

On a random graph and features with the shapes and the density of Cora: the features to 256, and 256 to 256. Both sides
compute the same. Expected: many times on features, whose zeros cost nothing and which PyG's layers that sum before
they map send along every edge; on hidden states what messages cost over the map, which is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch
from measure import interleaved, median_ratio, write_result
from torch import Tensor, nn
from torch_geometric import nn as pyg

from graphlab.model.link_operators import HEADS, make_operator
from graphlab.model.neighbourhood import Neighbourhood
from graphlab.model.sparse_features import FeatureInput

NODES, EDGES, WORDS, DENSITY, DIM, REPEATS = 2708, 10556, 1433, 0.0127, 256, 5

LAYERS: dict[str, Callable[[int], nn.Module]] = {
    "gat": lambda dim: pyg.GATConv(dim, DIM // HEADS, HEADS),
    "gcn": lambda dim: pyg.GCNConv(dim, DIM),
    "gin": lambda dim: pyg.GINConv(nn.Linear(dim, DIM)),
    "cheb": lambda dim: pyg.ChebConv(dim, DIM, K=2),
    "sage": lambda dim: pyg.SAGEConv(dim, DIM),
    "arma": lambda dim: pyg.ARMAConv(dim, DIM),
    "graph": lambda dim: pyg.GraphConv(dim, DIM),
}


def inputs() -> tuple[Tensor, dict[str, Tensor]]:
    random = torch.Generator().manual_seed(0)
    half = torch.randint(NODES, (2, EDGES // 2), generator=random)
    edge_index = torch.cat([half, half.flip(0)], dim=1)
    words = torch.rand(NODES, WORDS, generator=random) * (torch.rand(NODES, WORDS, generator=random) < DENSITY)
    return edge_index, {"features": words, "hidden": torch.randn(NODES, DIM, generator=random)}


def compare(name: str, given: str) -> dict[str, float | str]:
    edge_index, rows = inputs()
    x = rows[given].requires_grad_(given == "hidden")
    layer, operator = LAYERS[name](x.size(1)), make_operator(name, x.size(1), DIM)
    near, features = Neighbourhood(edge_index, NODES), FeatureInput(0.0)
    arms = {
        "pyg": lambda: layer(x, edge_index).sum().backward(),
        "ours": lambda: operator(features(x), near).sum().backward(),
    }
    seconds = interleaved(arms, REPEATS)["processor"]
    return {
        "operator": name,
        "from": given,
        **{f"milliseconds_{arm}": round(median(seconds[arm]) * 1e3, 1) for arm in arms},
        "times_faster": round(median_ratio(seconds["pyg"], seconds["ours"]), 1),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows = [compare(name, given) for given in ("features", "hidden") for name in LAYERS]
    write_result("sparse_layers", {"comparisons": rows})
