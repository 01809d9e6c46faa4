"""Do directed networks use the direction of edges, and nothing else where there is nothing else?

    python experiments/direction_dial.py --store runs/dial
    python experiments/direction_dial.py --models dir-gnn mlp --graphs 2 --out /tmp/dial.json

Block models of two classes of 500 nodes each, in which each pair of nodes is joined with one probability whatever the
classes, and by an edge from the lower class to the higher where the classes differ: the direction is all there is
(`graphlab.data.generators.directed_sbm`). Every node has the feature 1. Networks are trained on 30 % of the nodes,
selected on 20 %, with the recipes of their models; ADPA divides by the degrees of ends of edges, not of their starts,
as means of equal numbers say nothing.

- `accuracy` is that of the test nodes.
- `exchanged` is the share of all nodes that the same network gives the other class when it is shown the same graph
  reversed, in which the classes have exchanged their roles.
- `symmetrised` is the accuracy of a network that is trained on the graph with each edge both ways, where no network can
  be right more often than chance; `mlp` is chance.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.data.generators.directed_sbm import directed
from graphlab.experiment.plan import make_plan
from graphlab.task.kinds.node_classification import NodeClassification

MODELS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "dir-gnn": {},
    "magnet": {},
    "adpa": {"model.exponent": 1.0},
    "nste": {},
    "digcn": {},
    "digcn-ib": {},
    "faber-filters": {},
}
CLASS_SIZE, MEAN_DEGREE, EPOCHS = 500, 20.0, 150


def draw(seed: int) -> Data:
    """A graph in which the direction is all there is."""
    random = SeedStream(seed, ("direction-dial",)).numpy()
    num_nodes, y = 2 * CLASS_SIZE, np.repeat([0, 1], CLASS_SIZE)
    joined = np.triu(random.random((num_nodes, num_nodes)) < MEAN_DEGREE / (num_nodes - 1), 1)
    pairs = np.argwhere(joined)
    edges = directed(pairs, y, 1.0, random.random(len(pairs)))
    edge_index = torch.from_numpy(edges.T.copy())
    return Data(x=torch.ones(num_nodes, 1), edge_index=edge_index, y=torch.from_numpy(y), num_nodes=num_nodes)


def with_edges(graph: Data, edge_index: torch.Tensor) -> Data:
    other = graph.clone()
    other.edge_index = edge_index
    return other


def data_of(graph: Data, name: str, is_directed: bool = True) -> Dataset:
    return gl.dataset(graph, name=name, target="y", split="random-30/20/50", directed=is_directed)


def shown(runs: gl.Runs, model: str, settings: dict[str, Any], dataset: Dataset) -> np.ndarray:
    """The classes that a trained network gives to the nodes of another graph."""
    trained = gl.restore(runs)
    task = make_plan(model, dataset, settings).make_task(0)
    assert isinstance(task, NodeClassification)
    return task.predictions(trained.learner).argmax(1).numpy()


def row(model: str, seed: int, store: Path | None) -> dict[str, float]:
    settings, graph = {**MODELS[model], "training.epochs": EPOCHS}, draw(seed)
    turned = data_of(with_edges(graph, graph.edge_index.flip(0)), f"reversed-{seed}")
    both = torch.cat([graph.edge_index, graph.edge_index.flip(0)], dim=1)
    dataset = data_of(graph, f"directed-{seed}")
    runs = gl.run(model, dataset, store=store, **settings)
    symmetrised = gl.run(model, data_of(with_edges(graph, both), f"both-{seed}", False), store=store, **settings)
    as_it_is, reversed_ = (shown(runs, model, settings, each) for each in (dataset, turned))
    return {
        "accuracy": float(runs.summary().mean or 0),
        "exchanged": float((as_it_is != reversed_).mean()),
        "symmetrised": float(symmetrised.summary().mean or 0),
    }


def table(stored: dict[str, Any]) -> list[str]:
    """The stored study as lines of Markdown, in percent."""
    lines = ["| model | accuracy | exchanged when reversed | accuracy, symmetrised |", "| --- | --- | --- | --- |"]
    for model, rows in stored["models"].items():
        cells = [f"{100 * np.mean([each[name] for each in rows]):.1f}" for name in rows[0]]
        lines.append(f"| `{model}` | {' | '.join(cells)} |")
    return lines


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--graphs", type=int, default=5)
    parser.add_argument("--store", type=Path, help="a folder for the runs")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "direction_dial.json"
    )
    return parser.parse_args()


def main() -> None:
    options = parse()
    models: dict[str, list[dict[str, float]]] = {}
    for model in options.models:
        models[model] = [row(model, seed, options.store) for seed in range(options.graphs)]
        print(f"{model:13}", *(f"{each['accuracy']:.3f}/{each['exchanged']:.3f}" for each in models[model]), flush=True)
    stored = {"class_size": CLASS_SIZE, "mean_degree": MEAN_DEGREE, "epochs": EPOCHS, "models": models}
    write_json(options.out, stored)
    print("\n".join(table(stored)))


if __name__ == "__main__":
    main()
