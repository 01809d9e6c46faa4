"""Slow calculations of what each task computes, by loops over items."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from graphlab.data.dataset import Split, Splits
from graphlab.testing.tasks import TaskReference
from tests.specs import with_output


def with_split(data, **parts):
    split = Split(**{**dict(data.split().parts()), **parts})
    return replace(data, splits=Splits(data.splits.name, fixed=(split,)))


def with_target(data, place, value):
    graph = data.graphs[place].clone()
    graph[data.spec.output.name] = value
    return replace(data, graphs=(*data.graphs[:place], graph, *data.graphs[place + 1 :]))


def cross_entropy(logits, label):
    values = [float(value) for value in logits]
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values)) - values[label]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def log_sigmoid(value):
    return -math.log1p(math.exp(-value)) if value > -700 else value


class NodeClassification(TaskReference):
    model = "gin"
    settings = {"num_layers": 2, "hidden_dim": 8, "model.dropout": 0.0}
    best = {"accuracy": 1.0}

    def loss(self, task, learner, batch):
        with torch.no_grad():
            logits = learner.head(learner.model(batch), batch)
        classes = task.dataset.graph.y
        return mean(cross_entropy(logits[i], int(classes[i])) for i in task.split.train.tolist())

    def score(self, task, rows, part):
        classes = [int(task.dataset.graph.y[i]) for i in getattr(task.split, part).tolist()]
        right = [max(range(len(row)), key=lambda c, row=row: float(row[c])) for row in rows]
        return {
            "accuracy": mean(p == c for p, c in zip(right, classes, strict=True)),
            "loss": mean(cross_entropy(row, c) for row, c in zip(rows, classes, strict=True)),
        }

    def perfect(self, task, part):
        return 9.0 * torch.eye(task.dataset.spec.num_outputs)[task.dataset.graph.y[getattr(task.split, part)]]

    def damaged(self, dataset):
        y = dataset.graph.y
        yield with_target(dataset, 0, y + 1)
        yield with_target(dataset, 0, y[:-1])
        yield with_target(dataset, 0, y.float() / 2)
        yield replace(dataset, spec=with_output(dataset.spec, type="value"))
        yield with_split(dataset, test=torch.tensor([len(y)]))
        yield with_split(dataset, test=dataset.split().train)


class GraphPrediction(TaskReference):
    model = "gin"
    settings = {"num_layers": 2, "hidden_dim": 8, "model.dropout": 0.0, "batch_size": 5}

    def __init__(self, classes):
        self.classes = classes
        self.best = {"accuracy": 1.0, "balanced_accuracy": 1.0} if classes else {"mae": 0.0}

    def loss(self, task, learner, batch):
        with torch.no_grad():
            rows = learner.head(learner.model(batch), batch)
        if self.classes:
            return mean(cross_entropy(row, int(c)) for row, c in zip(rows, batch.y, strict=True))
        return mean(abs(float(row[0]) - float(y[0])) for row, y in zip(rows, batch.y, strict=True))

    def targets(self, task, part):
        return torch.cat([task.dataset.graphs[i].y for i in getattr(task.split, part).tolist()])

    def score(self, task, rows, part):
        targets = self.targets(task, part)
        if not self.classes:
            return {"mae": mean(abs(float(r) - float(t)) for r, t in zip(rows, targets, strict=True))}
        predicted = [int(np.argmax(row.numpy())) for row in rows]
        hits = [p == int(t) for p, t in zip(predicted, targets, strict=True)]
        by_class = {c: [h for h, t in zip(hits, targets, strict=True) if int(t) == c] for c in set(targets.tolist())}
        return {
            "accuracy": mean(hits),
            "balanced_accuracy": mean(map(mean, by_class.values())),
            "loss": mean(cross_entropy(row, int(t)) for row, t in zip(rows, targets, strict=True)),
        }

    def perfect(self, task, part):
        targets = self.targets(task, part)
        return 9.0 * torch.eye(task.dataset.spec.num_outputs)[targets] if self.classes else targets.clone()

    def damaged(self, dataset):
        y = dataset.graphs[3].y
        yield with_target(dataset, 3, torch.full_like(y, 9) if self.classes else torch.full_like(y, math.nan))
        yield with_target(dataset, 3, torch.cat([y, y]))
        yield with_target(dataset, 3, None)
        yield with_split(dataset, validation=torch.tensor([len(dataset.graphs)]))


class KGCompletion(TaskReference):
    model = "distmult"
    settings = {"model.dim": 6, "num_negatives": 3, "adversarial_temperature": 0.0, "task.batch_size": 7}
    best = {"mrr": 1.0, "mr": 1.0, "hits@1": 1.0, "hits@10": 1.0}

    def __init__(self, model="distmult", settings=()):
        self.model, self.settings = model, {**self.settings, **dict(settings)}

    def loss(self, task, learner, batch):
        with torch.no_grad():
            graph = batch.graph if learner.model.reads_graph else None
            scores = learner.model.score(graph, batch.head, batch.relation, batch.candidates)
        rows = [-log_sigmoid(float(row[0])) - mean(log_sigmoid(-float(value)) for value in row[1:]) for row in scores]
        return mean(rows) / 2

    def score(self, task, rows, part):
        ranks = [float(value) for row in rows for value in (row[0], row[2])]
        return {
            "mrr": mean(1 / rank for rank in ranks),
            "mr": mean(ranks),
            **{f"hits@{k}": mean(rank <= k for rank in ranks) for k in (1, 3, 10)},
        }

    def perfect(self, task, part):
        return torch.tensor([[1.0, 5.0, 1.0, 5.0]], dtype=torch.float64).repeat(len(getattr(task.split, part)), 1)

    def constant(self, task, part):
        """Ties rank behind all others."""
        return self.perfect(task, part) + torch.tensor([5.0, 0.0, 5.0, 0.0])

    def damaged(self, dataset):
        test = dataset.split().test
        yield with_split(dataset, test=test + 100)
        yield with_split(dataset, test=test[:, [0, 2, 1]] + torch.tensor([0, 5, 0]))
        graph = dataset.graphs[-1].clone()
        del graph["known_triples"]
        yield replace(dataset, graphs=(*dataset.graphs[:-1], graph))
        yield replace(dataset, spec=replace(dataset.spec, num_relations=1))


class KGMixture(KGCompletion):
    def __init__(self):
        super().__init__("ultra", {"model.dim": 4, "model.num_layers": 2})

    def loss(self, task, learner, batch):
        return super().loss(task, learner, batch.queries)

    def score(self, task, rows, part):
        of = getattr(task.split, part)[:, 0]
        groups = [super(KGMixture, self).score(task, rows[of == k], part) for k in of.unique().tolist()]
        return {name: mean(group[name] for group in groups) for name in groups[0]}

    def damaged(self, dataset):
        test = dataset.split().test
        yield with_split(dataset, test=test + torch.tensor([2, 0, 0, 0]))
        yield with_split(dataset, test=test[:, 1:])
        yield replace(dataset, labels={})


class LinkPrediction(TaskReference):
    model = "gae"
    settings = {"model.dropout": 0.0, "task.batch_size": 6, "num_negatives": 2}
    best = {"auroc": 1.0, "ap": 1.0}

    def loss(self, task, learner, batch):
        encoding = learner.model.encode(batch.graph)
        with torch.no_grad():
            scores = [
                [float(learner.model.score_pairs(encoding, pair[None])[0]) for pair in row] for row in batch.pairs
            ]
        positive = mean(-log_sigmoid(row[0]) for row in scores)
        return (positive + mean(-log_sigmoid(-value) for row in scores for value in row[1:])) / 2

    def score(self, task, rows, part):
        labels = getattr(task.split, part)[:, 2].tolist()
        scores = [float(row) for row in rows]
        positive = [s for s, label in zip(scores, labels, strict=True) if label]
        negative = [s for s, label in zip(scores, labels, strict=True) if not label]
        ap, recall = 0.0, 0.0
        for threshold in sorted(set(scores), reverse=True):
            taken = [label for s, label in zip(scores, labels, strict=True) if s >= threshold]
            reached = sum(taken) / len(positive)
            ap, recall = ap + (reached - recall) * sum(taken) / len(taken), reached
        return {"auroc": mean((p > n) + 0.5 * (p == n) for p in positive for n in negative), "ap": ap}

    def perfect(self, task, part):
        return getattr(task.split, part)[:, 2].float()

    def damaged(self, dataset):
        test = dataset.split().test
        yield with_split(dataset, test=test[:, [1, 0, 2]])
        yield with_split(dataset, test=torch.cat([test[:, :2], 1 - test[:, 2:]], dim=1))
        yield with_split(dataset, test=test[:, :2])
        yield with_split(dataset, train=torch.cat([dataset.split().train, test[:1]]))


class OgbLinkPrediction(LinkPrediction):
    """Ranks by counting, over the negatives of the split."""

    def __init__(self, own):
        self.own = own
        self.best = {"mrr": 1.0, "hits@1": 1.0} if own else {"hits@20": 1.0, "hits@10": 1.0}

    def score(self, task, rows, part):
        if self.own:
            ranks = []
            for link, *negatives in rows.tolist():
                ranks.append(1 + sum(n > link for n in negatives) + 0.5 * sum(n == link for n in negatives))
            hits = {f"hits@{k}": mean(rank <= k for rank in ranks) for k in (1, 3, 10)}
            return {"mrr": mean(1 / rank for rank in ranks), **hits}
        labels = getattr(task.split, part)[:, 2].tolist()
        links = [score for score, label in zip(rows.tolist(), labels, strict=True) if label]
        negatives = [score for score, label in zip(rows.tolist(), labels, strict=True) if not label]
        return {
            f"hits@{k}": mean(sum(n >= link for n in negatives) < k for link in links) if len(negatives) >= k else 1.0
            for k in (10, 20, 50, 100)
        }

    def perfect(self, task, part):
        labels = getattr(task.split, part)[:, 2].float()
        if not self.own:
            return labels
        return torch.cat([labels[:, None], torch.zeros(len(labels), task.split.negatives[part].shape[2])], dim=1)

    def damaged(self, dataset):
        split = dataset.split()
        size = int(dataset.graph.num_nodes)
        yield with_split(dataset, train=torch.cat([split.train, split.test[:1]]))
        yield with_split(dataset, test=split.test[:, :2])
        yield with_split(dataset, test=torch.cat([split.test[:, :1] + size, split.test[:, 1:]], dim=1))
        yield with_split(dataset, test=torch.cat([split.test[:, :2], split.test[:, 2:] + 1], dim=1))
        yield replace(dataset, evaluator="ogbl-collab" if self.own else "ogbl-citation2")
        yield replace(dataset, evaluator="ogbn-arxiv")
        yield replace(dataset, evaluator="")
        if self.own:
            for part, nodes in (
                ("validation", split.negatives["validation"] + size),
                ("test", split.negatives["test"][1:]),
            ):
                wrong = Split(*(rows for _, rows in split.parts()), negatives={**split.negatives, part: nodes})
                yield replace(dataset, splits=Splits(dataset.splits.name, fixed=(wrong,)))


class DirectedLinks(TaskReference):
    """Questions asked pair by pair of a model of nodes, with the truth looked up among the edges."""

    model = "dir-gnn"

    def __init__(self, question):
        self.question = question
        self.settings = {"num_layers": 2, "hidden_dim": 8, "task.question": question, "task.batch_size": 16}
        names = ("accuracy", "macro_f1") if question == "three-class" else ("auroc", "ap", "accuracy")
        self.best = dict.fromkeys(names, 1.0)

    def truth(self, edges, u, v):
        if self.question == "three-class":
            return 0 if (u, v) in edges else 1 if (v, u) in edges else 2
        return int((u, v) in edges)

    def loss(self, task, learner, batch):
        edges = set(map(tuple, task.split.train.tolist()))
        losses = []
        with torch.no_grad():
            rows = learner.model(batch.graph)
            for u, v in batch.pairs.flatten(0, 1).tolist():
                logits = learner.head.mlp(torch.cat([rows[u], rows[v]])).tolist()
                truth = self.truth(edges, u, v)
                if self.question == "three-class":
                    losses.append(cross_entropy(logits, truth))
                else:
                    losses.append(-log_sigmoid(logits[0] if truth else -logits[0]))
        return mean(losses)

    def answers(self, task, part):
        """Places of rows and of pairs in them, with the truth of each, of edges without a reverse."""
        edges = set(map(tuple, task.dataset.graph.edge_index.T.tolist()))
        for place, (u, v) in enumerate(getattr(task.split, part).tolist()):
            if self.question == "existence" or (v, u) not in edges:
                for k, pair in enumerate(task.pairs(part)[place].tolist()):
                    yield place, k, self.truth(edges, *pair)

    def score(self, task, rows, part):
        pairs = [(rows[place, k].tolist(), truth) for place, k, truth in self.answers(task, part)]
        if self.question == "three-class":
            return {"accuracy": mean(max(range(3), key=row.__getitem__) == truth for row, truth in pairs)}
        positive = [score for score, truth in pairs if truth]
        negative = [score for score, truth in pairs if not truth]
        return {
            "auroc": mean((p > n) + 0.5 * (p == n) for p in positive for n in negative),
            "accuracy": mean((score > 0) == truth for score, truth in pairs),
        }

    def perfect(self, task, part):
        size = len(getattr(task.split, part))
        rows = torch.zeros(size, 3, 3) if self.question == "three-class" else torch.zeros(size, 2)
        for place, k, truth in self.answers(task, part):
            rows[place, k] = 9.0 * torch.eye(3)[truth] if self.question == "three-class" else 18.0 * truth - 9
        return rows

    def damaged(self, dataset):
        test, train = dataset.split().test, dataset.split().train
        yield with_split(dataset, test=test.flip(1))
        yield with_split(dataset, test=test[:, :1])
        yield with_split(dataset, test=test + 24)
        yield with_split(dataset, test=torch.tensor([[3, 3]]))
        yield with_split(dataset, train=torch.cat([train, test[:1]]))
        yield replace(dataset, spec=replace(dataset.spec, directed=False))
        yield replace(dataset, spec=with_output(dataset.spec, type="class", size=3))


class PairDiscrimination(TaskReference):
    model = "gin"
    settings = {
        "num_layers": 2,
        "hidden_dim": 8,
        "model.dropout": 0.0,
        "num_relabelings": 6,
        "output_dim": 4,
        "task.batch_size": 4,
    }
    best = {"loss": 0.0}
    rows_are_items = False

    def similarity(self, rows):
        first, second = rows[0::2].double(), rows[1::2].double()
        norms = zip(first, second, strict=True)
        cosines = [float(a @ b) / max(1e-12, float(a.norm() * b.norm())) for a, b in norms]
        return mean(max(0.0, cosine) for cosine in cosines)

    def loss(self, task, learner, batch):
        with torch.no_grad():
            return self.similarity(learner.head(learner.model(batch), batch))

    def score(self, task, rows, part):
        return {"loss": self.similarity(rows[: 2 * task.config.num_relabelings])}

    def perfect(self, task, part):
        """Outputs of the one graph are opposite to those of the other, up to noise that no two copies share."""
        q, d = task.config.num_relabelings, task.config.output_dim
        noise = 1e-2 * torch.randn(8 * q, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        return noise + torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(4 * q)[:, None]

    def damaged(self, dataset):
        yield with_split(dataset, test=torch.tensor([0]))
        yield with_split(dataset, test=torch.tensor([[0, 0]]))
        yield with_split(dataset, test=torch.tensor([[0, 9]]))
        yield replace(dataset, graphs=dataset.graphs[:1])


REFERENCES = {
    "node-classification": NodeClassification(),
    "graph-classification": GraphPrediction(classes=True),
    "graph-regression": GraphPrediction(classes=False),
    "kg-transductive": KGCompletion(),
    "kg-inductive": KGCompletion("nbfnet", {"model.dim": 4, "model.num_layers": 2}),
    "kg-mixture": KGMixture(),
    "links": LinkPrediction(),
    "links-without-features": LinkPrediction(),
    "ogb-links": OgbLinkPrediction(own=False),
    "ogb-citations": OgbLinkPrediction(own=True),
    "directed-edges": DirectedLinks("existence"),
    "pairs": PairDiscrimination(),
}
"""By example."""
