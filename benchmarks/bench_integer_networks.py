"""Frozen gcn and sage, w8a8, beside the same networks in float32: by PyG's layers on lists of edges, by PyG's layers on
CSR, and by our own float path. Widths 128, 64, 16; random graphs with ten edges into a node on average.

Two threads, the arms interleaved, warm, median of nine rounds, wall clock. A network in integers starts from
features in float32, as the others do, and ends with logits in float32; edges are sorted and their weights rounded
beforehand, as CSR is made beforehand. Shares are of the stages of the network in integers, each timed alone. Bytes
are those of weights and of the rows that are alive at once, at the worst moment, counted from the shapes: float32
rows are those of our own path.

Expected: at least 2 times PyG's CSR path and 1.3 times our own, weights and rows at most .3 of those in floats.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import graphlab as gl  # isort: skip  # before torch, whose threads it sets
import torch
from measure import interleaved, median_ratio, write_result
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, SAGEConv
from torch_geometric.utils import coalesce

from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.model.frozen import FrozenModel, freeze
from graphlab.model.transforms.quantize import Config, Quantize
from graphlab.ops.integer.product import instructions
from graphlab.quantization.operations import Product
from graphlab.quantization.rows import Rows
from graphlab.task.base import Learner

SIZES, DEGREE, WIDTHS = (50_000, 100_000, 200_000), 10, (128, 64, 16)
SCHEMES = {"gcn": "w8a8", "sage": "w8a8,aggregate=int8"}
THREADS = 2


def random_graph(num_nodes: int) -> Data:
    random = torch.Generator().manual_seed(0)
    edges = coalesce(torch.randint(num_nodes, (2, DEGREE * num_nodes), generator=random))
    x = torch.randn(num_nodes, WIDTHS[0], generator=random)
    return Data(x=x, edge_index=edges, num_nodes=num_nodes)


SPEC = DataSpec("nodes", (Target("y", "node", "class", WIDTHS[-1]),), node=Continuous(WIDTHS[0]))


def built(model: str) -> Any:
    torch.manual_seed(0)
    return gl.build(model, SPEC, hidden_dim=WIDTHS[1], num_layers=2, dropout=0.0)


def frozen(model: str, graph: Data) -> FrozenModel:
    learner = Learner(built(model), nn.Identity())
    Quantize(Config(scheme=SCHEMES[model])).apply(learner, SPEC)
    with torch.no_grad():
        learner.train().model(graph)  # ranges of what layers read and give
    return FrozenModel(freeze(learner.eval()), {})


def by_pyg(model: Any, graph: Data, csr: bool) -> Any:
    """The forward pass by PyG's layers, with the weights of a model."""
    block = model.messages(graph)
    num_nodes = int(graph.num_nodes or 0)
    if isinstance(model.convs[0], GCNConv):
        edges, weight = block.edge_index, block.edge_weight
    else:
        edges, weight = graph["edge_index"], None
    values = torch.ones(edges.size(1)) if weight is None else weight
    adjacency: Any = edges
    if csr:
        coo = torch.sparse_coo_tensor(edges.flip(0), values, (num_nodes, num_nodes)).coalesce()
        adjacency, weight = coo.to_sparse_csr(), None

    def forward() -> Tensor:
        x = graph["x"]
        for depth, conv in enumerate(model.convs):
            x = x.relu() if depth else x
            x = conv(x, adjacency, weight) if isinstance(conv, GCNConv) else conv(x, adjacency)
        return x

    assert all(isinstance(conv, GCNConv | SAGEConv) for conv in model.convs)
    return forward


def stages(network: FrozenModel, graph: Data, edges: Any) -> dict[str, float]:
    """The share of each stage in the seconds of all."""
    seconds: dict[str, list[float]] = {}
    for _ in range(5):
        started = time.perf_counter()
        for name, _ in network.network.stages(graph["x"], edges):
            seconds.setdefault(name, []).append(time.perf_counter() - started)
            started = time.perf_counter()
    medians = {name: median(each[1:]) for name, each in seconds.items()}
    return {name: round(each / sum(medians.values()), 3) for name, each in medians.items()}


def live_bytes(network: FrozenModel, graph: Data, edges: Any) -> dict[str, int]:
    """Bytes of weights and of rows that are alive at once at the worst moment; in floats each number takes four."""
    operations = network.network.operations
    rows: dict[str, Rows] = dict(network.network.stages(graph["x"], edges))
    last = {name: place for place, each in enumerate(operations) for name in each.reads}
    weights = sum(each.weight.numel() for each in operations if isinstance(each, Product))
    alive, worst = {"input"}, {"integers": 0, "floats": 0}
    for place, each in enumerate(operations):
        alive.add(each.target)
        worst["integers"] = max(worst["integers"], sum(rows[name].integers.nbytes for name in alive))
        worst["floats"] = max(worst["floats"], sum(4 * rows[name].integers.numel() for name in alive))
        alive -= {name for name in alive if last.get(name, len(operations)) <= place}
    return {"integers": worst["integers"] + weights, "floats": worst["floats"] + 4 * weights}


def measured(model: str, num_nodes: int) -> dict[str, Any]:
    graph, network = random_graph(num_nodes), built(model).eval()
    integers = frozen(model, graph)
    edges = integers.edges(graph)
    rounded = Data(x=integers.network.grid.integers(graph["x"]), edge_index=graph["edge_index"], num_nodes=num_nodes)
    arms = {
        "integers": lambda: integers(graph, edges),
        "integers, of rounded features": lambda: integers(rounded, edges),
        "ours": lambda: network(graph),
        "csr": by_pyg(network, graph, csr=True),
        "edges": by_pyg(network, graph, csr=False),
    }
    with torch.no_grad():
        results = {name: arm() for name, arm in arms.items()}
        for name in ("csr", "edges"):
            torch.testing.assert_close(results[name], results["ours"], rtol=1e-3, atol=1e-4)
        wall = interleaved(arms)["wall"]
        error = (results["integers"] - results["ours"]).abs().max() / results["ours"].abs().max()
        agree = (results["integers"].argmax(1) == results["ours"].argmax(1)).float().mean()
    memory = live_bytes(integers, graph, edges)
    return {
        "nodes": num_nodes,
        "edges": graph.num_edges,
        "milliseconds": {name: round(1e3 * median(each), 1) for name, each in wall.items()},
        "times integers": {name: round(median_ratio(wall[name], wall["integers"]), 2) for name in arms},
        "times integers, of rounded features": {
            name: round(median_ratio(wall[name], wall["integers, of rounded features"]), 2) for name in arms
        },
        "shares": stages(integers, graph, edges),
        "bytes": memory | {"share": round(memory["integers"] / memory["floats"], 3)},
        "largest difference, of the largest logit": round(float(error), 4),
        "labels that agree": round(float(agree), 4),
    }


def main() -> None:
    torch.set_num_threads(THREADS)
    result = {model: [measured(model, num_nodes) for num_nodes in SIZES] for model in SCHEMES}
    write_result("integer_networks", {"instructions": instructions(), "schemes": SCHEMES, **result})


if __name__ == "__main__":
    main()
