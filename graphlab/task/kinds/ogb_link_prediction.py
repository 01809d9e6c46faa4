"""Link prediction by the rules of the Open Graph Benchmark: its split, its negatives, and its evaluator.

Hu et al., NeurIPS 2020. Training is that of `link-prediction`; held-out links are scored by the Evaluator of
the package ogb.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.config import PositiveInt
from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.core.shapes import require_shape
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.links import NonLinks, both_directions, labelled_pairs, unordered
from graphlab.data.spec import LINK, Continuous, DataSpec
from graphlab.model.base import LinkModel
from graphlab.task.base import Direction, Labelled, Learner, Part
from graphlab.task.example import FEATURES, NODES, example_dataset
from graphlab.task.kinds.link_prediction import LinkPrediction, PairsConfig, link_model_of, scores_of_pairs
from graphlab.task.ogb_evaluator import LINKS, evaluate_links, link_metrics, require_evaluator

InputAtTest = Literal["training", "training and validation"]

VALIDATION_AT_TEST = frozenset({"ogbl-collab"})
"""Data sets whose rules allow that a model sees the validation links when it is asked for those of test."""


class Config(PairsConfig):
    """input_at_test          the links that a model sees when it is asked for those of test. training and validation is
    allowed by the rules of ogbl-collab alone, and part of the protocol
    """

    evaluation_batch_size: PositiveInt = 4096
    input_at_test: InputAtTest = "training"


class OgbLinkPrediction(LinkPrediction):
    """Held-out links are ranked among the negatives of the split, and scored by ogb's Evaluator; its metric selects.

    Pairs keep the order of the split, (source, target). Models see training links in both directions, each once, and
    are trained on these: the score of (u, v) is that of (v, u).
    """

    name = "ogb-link-prediction"
    version = 1
    ability = "link-prediction"
    items = "ranked-pairs"
    Config = Config
    metric = "mrr"
    direction: Direction = "max"

    @classmethod
    def require_negatives(cls, config: Any, dataset: Dataset) -> None:
        require_evaluator(dataset.evaluator, LINKS, f"{cls.name}, which scores {dataset.name}")
        if config.input_at_test != "training" and dataset.evaluator not in VALIDATION_AT_TEST:
            raise InputError(
                f"the rules of {dataset.evaluator} allow no validation links as input at test",
                hint=f"leave task.input_at_test out; it is for {', '.join(sorted(VALIDATION_AT_TEST))}",
            )
        for split in dataset.splits.fixed:
            own = bool(split.negatives)
            if own != (LINKS[dataset.evaluator] == "mrr"):
                raise InputError(
                    f"{dataset.evaluator} is scored by {LINKS[dataset.evaluator]}, and the links of {dataset.name} "
                    f"{'have negatives of their own' if own else 'share their negatives'}",
                    hint="mrr is over negatives of each link, Split(..., negatives=...), and hits over shared ones",
                )

    def training_links(self) -> Tensor:
        return unordered(self.split.train[:, :2].t())

    @cached_property
    def _graph_at_test(self) -> Data:
        held_out = self.split.validation
        return self.message_graph(unordered(torch.cat([self.split.train, held_out[held_out[:, 2] == 1]])[:, :2].t()))

    def input_of(self, part: Part) -> Data:
        """What a model sees when it is asked for the links of a part."""
        at_test = part == "test" and self.config.input_at_test != "training"
        return self._graph_at_test if at_test else self._graph

    def predict(self, learner: Learner, part: Part) -> Tensor:
        """Scores `[n]` of pairs; where links have negatives of their own, `[n, 1 + count]`, the link first."""
        pairs, own = self.shard.of(getattr(self.split, part))[:, :2], self.split.negatives.get(part)
        model = link_model_of(learner)
        with torch.no_grad():
            encoding = model.encode(self.input_of(part))
            if own is None:
                few = pairs.to(self.device).split(self.config.evaluation_batch_size)
                return torch.cat([scores_of_pairs(model, encoding, each) for each in few])
            columns = torch.cat([pairs[:, 1:], self.shard.of(own)[:, 0]], dim=1)
            return self._score_columns(model, encoding, pairs[:, 0], columns)

    def _score_columns(self, model: LinkModel, encoding: Any, sources: Tensor, columns: Tensor) -> Tensor:
        size = max(1, self.config.evaluation_batch_size // columns.shape[1])
        rows = [torch.zeros(0, columns.shape[1], device=self.device)]
        for some, candidates in zip(sources.split(size), columns.split(size), strict=True):
            if not len(some):
                continue
            scores = model.score_nodes(encoding, some.to(self.device), candidates.to(self.device))
            shape = tuple(candidates.shape)
            rows.append(require_shape(f"the scores of {type(model).__name__}", scores, shape, "[nodes, candidates]"))
        return torch.cat(rows)

    def submission(self, rows: Tensor, part: Part) -> dict[str, Tensor]:
        if rows.dim() == 2:
            return {"y_pred_pos": rows[:, 0], "y_pred_neg": rows[:, 1:]}
        is_link = getattr(self.split, part)[:, 2].bool().to(rows.device)
        return {"y_pred_pos": rows[is_link], "y_pred_neg": rows[~is_link]}

    def score(self, rows: Tensor, part: Part) -> dict[str, float]:
        scores = self.submission(rows, part)
        return evaluate_links(self.dataset.evaluator, scores["y_pred_pos"], scores["y_pred_neg"])

    def labelled(self, rows: Tensor, part: Part) -> Labelled | None:
        return super().labelled(rows, part) if rows.dim() == 1 else None

    @classmethod
    def selection(cls, config: Any, dataset: Dataset) -> tuple[str, Direction]:
        return LINKS[dataset.evaluator], cls.direction

    @classmethod
    def metrics(cls, config: Any, dataset: Dataset) -> Sequence[str]:
        return link_metrics(dataset.evaluator)

    @classmethod
    def protocol(cls, config: Any, dataset: Dataset) -> Mapping[str, str | int | float]:
        return {
            "task": cls.name,
            "split": dataset.splits.name,
            "metric": cls.selection(config, dataset)[0],
            "evaluator": dataset.evaluator,
            "input at test": config.input_at_test,
        }


def examples() -> dict[str, Dataset]:
    """Links between nodes of like features: ranked among shared negatives, and each among negatives of its own."""
    x = torch.randn(NODES, FEATURES, generator=SeedStream(0, ("example", "ranked links")).torch())
    near = torch.triu((x @ x.T) > 1.2, diagonal=1)
    links = near.nonzero()
    random = SeedStream(0, ("example", "order")).torch()
    links = links[torch.randperm(len(links), generator=random)]
    turned = torch.where(torch.rand((len(links), 1), generator=random) < 0.5, links.flip(1), links)
    held = 8
    train, validation, test = turned[2 * held :], turned[:held], turned[held : 2 * held]
    free = ~(near | near.T | torch.eye(NODES, dtype=torch.bool))
    non_links = NonLinks(links, NODES)
    others = non_links.at(torch.randperm(len(non_links), generator=random)[:60]).split(30)
    parts = [
        torch.cat([labelled_pairs(link, 1), labelled_pairs(other, 0)])
        for link, other in zip((validation, test), others, strict=True)
    ]
    own = {
        part: free[rows[:, 0]].float().multinomial(6, generator=random).unsqueeze(1)
        for part, rows in (("validation", validation), ("test", test))
    }
    shared = Split(labelled_pairs(train, 1), *parts)
    ranked = Split(*(labelled_pairs(each, 1) for each in (train, validation, test)), negatives=own)
    graph = Data(x=x, edge_index=both_directions(train))
    return {
        "ogb-links": _example(graph, Continuous(FEATURES), shared, "ogbl-ddi"),
        "ogb-citations": _example(Data(edge_index=graph.edge_index, num_nodes=NODES), None, ranked, "ogbl-citation2"),
    }


def _example(graph: Data, features: Continuous | None, split: Split, evaluator: str) -> Dataset:
    spec = DataSpec("ranked-pairs", (LINK,), node=features, num_entities=NODES)
    dataset = example_dataset(OgbLinkPrediction.name, (graph,), split, spec)
    return replace(dataset, evaluator=evaluator, splits=Splits("official", (split,)))
