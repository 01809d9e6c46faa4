"""Breadth-first search: from a start node to each node's parent, trained on what is reached after each step too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import softmax

from graphlab.core.config import PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.task.base import Task, TaskConfig
from graphlab.task.example import NODES, example_dataset, random_graph, thirds
from graphlab.task.kinds.graph_prediction import GraphBatches

STEPS = 4


class Config(TaskConfig):
    """batch_size  graphs
    hint_weight    of the loss of hints
    """

    batch_size: PositiveInt = 8
    hint_weight: float = 0.5


class PointerHead(nn.Module):
    """A score of each edge into a node and of the node itself, and what is reached after each step."""

    def __init__(self, width):
        super().__init__()
        self.edge, self.hint = nn.Linear(2 * width, 1), nn.Linear(width, STEPS)

    def forward(self, rows, batch):
        loops = torch.arange(len(rows), device=rows.device)
        source, target = torch.cat([batch["edge_index"], torch.stack([loops, loops])], dim=1)
        scores = self.edge(torch.cat([rows[source], rows[target]], dim=1)).squeeze(1)
        return source, target, scores, self.hint(rows)


class BreadthFirst(Task[Data]):
    """Softmax over the candidates for a node's parent; the share of nodes whose parent is right."""

    name = "breadth-first"
    ability = "graph-prediction"
    items = "graphs"
    locations = frozenset({"node"})
    types = frozenset({"pointer"})
    Config = Config
    metric, direction = "parents", "max"

    def prepare(self):
        self.sizes = torch.tensor([int(graph.num_nodes) for graph in self.dataset.graphs])

    @classmethod
    def head(cls, config, model, spec):
        return PointerHead(model.out_dim)

    def collate(self, items):
        return Batch.from_data_list([self.dataset.graphs[i] for i in items.tolist()]).to(str(self.device))

    def batches(self, stream):
        train = self.split.train
        return GraphBatches(self, train[torch.randperm(len(train), generator=stream.child("order").torch())])

    def num_targets(self, items):
        return int(self.sizes[items].sum())

    def weight(self, batch):
        return batch.share

    def loss(self, learner, batch):
        source, target, scores, hints = learner.head(learner.model(batch), batch)
        parent = batch["parent"] + batch["ptr"][batch["batch"]]
        chosen = softmax(scores, target, num_nodes=len(parent))[source == parent[target]]
        return -chosen.log().mean() + self.config.hint_weight * F.binary_cross_entropy_with_logits(
            hints, batch["reached"]
        )

    def predict(self, learner, part):
        """Parents, counted within each graph, filled up with -1: `[n, most]`."""
        rows = []
        for i in self.shard.of(getattr(self.split, part)).tolist():
            batch = self.collate(torch.tensor([i]))
            source, target, scores, _ = learner.head(learner.model(batch), batch)
            best = torch.full((int(self.sizes.max()),), -1.0, device=self.device)
            for node in range(int(self.sizes[i])):
                mine = target == node
                best[node] = source[mine][scores[mine].argmax()]
            rows.append(best)
        return torch.stack(rows) if rows else torch.zeros(0, int(self.sizes.max()), device=self.device)

    def score(self, rows, part):
        items = getattr(self.split, part).tolist()
        hits = [rows[k, : self.sizes[i]].cpu() == self.dataset.graphs[i]["parent"] for k, i in enumerate(items)]
        return {"parents": torch.cat(hits).double().mean().item()}

    @classmethod
    def metrics(cls, config, dataset):
        return ("parents",)

    @classmethod
    def protocol(cls, config, dataset):
        return {"metric": cls.metric, "split": dataset.splits.name, "hints": "trained on"}


def search(graph, start):
    """Parents and what is reached after each step, the smallest neighbour being the parent."""
    size = int(graph.num_nodes)
    parent, depth = torch.arange(size), torch.full((size,), STEPS + 1)
    depth[start] = 0
    for step in range(1, STEPS + 1):
        for u, v in sorted(map(tuple, graph.edge_index.T.tolist())):
            if depth[u] == step - 1 and depth[v] > step:
                parent[v], depth[v] = u, step
    return parent, (depth[:, None] <= torch.arange(1, STEPS + 1)).float()


def examples():
    random = SeedStream(0, ("example", "search")).torch()
    graphs = []
    for k in range(NODES):
        graph = random_graph(5 + k % 4, random)
        start = torch.eye(int(graph.num_nodes))[0]
        parent, reached = search(graph, 0)
        graphs.append(Data(x=start[:, None], edge_index=graph.edge_index, start=start, reached=reached, parent=parent))
    targets = (
        Target("start", "node", "mask-one", stage="input"),
        Target("reached", "node", "mask", stage="hint"),
        Target("parent", "node", "pointer"),
    )
    spec = DataSpec("graphs", targets, Continuous(1))
    return {"searches": example_dataset(BreadthFirst.name, tuple(graphs), thirds(torch.arange(NODES)), spec)}
