"""Short tours through points in the plane: the node that comes after each node, as a permutation."""

from __future__ import annotations

from itertools import permutations

import torch
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import softmax

from graphlab.core.config import PositiveInt
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import Continuous, DataSpec, Target
from graphlab.task.base import Task, TaskConfig
from graphlab.task.example import example_dataset, thirds
from graphlab.task.kinds.graph_prediction import GraphBatches

POINTS, TOURS = 6, 16


class Config(TaskConfig):
    """batch_size  tours"""

    batch_size: PositiveInt = 4


class SuccessorHead(nn.Module):
    """A score of each edge, from both ends and its length."""

    def __init__(self, width):
        super().__init__()
        self.map = nn.Linear(2 * width + 1, 1)

    def forward(self, rows, batch):
        source, target = batch["edge_index"]
        length = (batch["x"][source] - batch["x"][target]).norm(dim=1, keepdim=True)
        return self.map(torch.cat([rows[source], rows[target], length], dim=1)).squeeze(1)


class Tours(Task[Data]):
    """Softmax over a node's possible successors; a tour is decoded from node 0 by the best edge to a node not yet
    visited, and its gap is its length over the shortest one's less 1."""

    name = "tours"
    ability = "graph-prediction"
    items = "graphs"
    locations = frozenset({"node"})
    types = frozenset({"permutation"})
    Config = Config
    metric, direction = "gap", "min"

    @classmethod
    def head(cls, config, model, spec):
        return SuccessorHead(model.out_dim)

    def collate(self, items):
        return Batch.from_data_list([self.dataset.graphs[i] for i in items.tolist()]).to(str(self.device))

    def batches(self, stream):
        train = self.split.train
        return GraphBatches(self, train[torch.randperm(len(train), generator=stream.child("order").torch())])

    def num_targets(self, items):
        return len(items)

    def weight(self, batch):
        return batch.share

    def loss(self, learner, batch):
        scores = learner.head(learner.model(batch), batch)
        source, target = batch["edge_index"]
        after = batch["after"] + batch["ptr"][batch["batch"]]
        return -softmax(scores, source, num_nodes=len(after))[target == after[source]].log().mean()

    def predict(self, learner, part):
        """The successor of each node, `[n, points]`."""
        rows = [self.decode(learner, i) for i in self.shard.of(getattr(self.split, part)).tolist()]
        return torch.stack(rows) if rows else torch.zeros(0, POINTS, device=self.device)

    def decode(self, learner, i):
        batch = self.collate(torch.tensor([i]))
        scores = torch.full((POINTS, POINTS), -torch.inf, device=self.device)
        scores[tuple(batch["edge_index"])] = learner.head(learner.model(batch), batch)
        after, here, left = torch.zeros(POINTS, device=self.device), 0, set(range(1, POINTS))
        while left:
            there = max(left, key=lambda node: float(scores[here, node]))
            after[here], here = there, there
            left.remove(there)
        after[here] = 0
        return after

    def score(self, rows, part):
        gaps = []
        for row, i in zip(rows.long().cpu(), getattr(self.split, part).tolist(), strict=True):
            x = self.dataset.graphs[i].x.double()
            best = (x - x[self.dataset.graphs[i]["after"]]).norm(dim=1).sum()
            gaps.append(((x - x[row]).norm(dim=1).sum() / best - 1).item())
        valid = [_is_tour(row.tolist()) for row in rows.long()]
        return {"gap": sum(gaps) / len(gaps), "valid": sum(valid) / len(valid)}

    @classmethod
    def metrics(cls, config, dataset):
        return ("gap", "valid")

    @classmethod
    def protocol(cls, config, dataset):
        return {"metric": cls.metric, "split": dataset.splits.name, "decoding": "greedy"}


def _is_tour(after):
    seen, here = set(), 0
    for _ in after:
        seen.add(here)
        here = after[here]
    return here == 0 and len(seen) == len(after)


def shortest(x):
    """The successors on the shortest tour, by all orders."""
    distance = torch.cdist(x.double(), x.double())
    orders = ((0, *order) for order in permutations(range(1, POINTS)))
    best = min(orders, key=lambda o: sum(float(distance[o[k], o[(k + 1) % POINTS]]) for k in range(POINTS)))
    after = torch.zeros(POINTS, dtype=torch.int64)
    for k, node in enumerate(best):
        after[node] = best[(k + 1) % POINTS]
    return after


def examples():
    random = SeedStream(0, ("example", "tours")).torch()
    everyone = (~torch.eye(POINTS, dtype=torch.bool)).nonzero().T.contiguous()
    graphs = []
    for _ in range(TOURS):
        x = torch.rand(POINTS, 2, generator=random)
        graphs.append(Data(x=x, edge_index=everyone, after=shortest(x)))
    spec = DataSpec("graphs", (Target("after", "node", "permutation"),), Continuous(2))
    return {"tours": example_dataset(Tours.name, tuple(graphs), thirds(torch.arange(TOURS)), spec)}
