"""Whether to model a graph with the direction of its edges or without, and what speaks for it; see
`graphlab.analysis.directedness.advice`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from graphlab.analysis.directedness.advice import THRESHOLD, Advice, advise
from graphlab.analysis.directedness.patterns import adjacency_of, reciprocity
from graphlab.analysis.probe import Finding
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.plot import Plot
from graphlab.data.dataset import Dataset
from graphlab.experiment.figures import COLOURS, GREY

Labels = Literal["train", "all"]


@dataclass(frozen=True, repr=False)
class Directedness(Finding):
    """The advice on a data set, a row a pattern of edges; `plot` draws it."""

    advice: Advice

    def plot(self) -> Plot:
        """The correlation of each pattern with equal classes; and what pairs explain with and without directions,
        beside the gaps of chance."""
        advice, figure = self.advice, Plot(7.0, 3.2)
        left, right = figure.panel(1, 2), figure.panel(2, 2)
        for place, each in enumerate(advice.evidence):
            colour = GREY if each.pattern == "SS" else COLOURS[0]
            left.bar(place, each.correlation, 0.7, color=colour)
        left.axhline(0, color=GREY, linewidth=0.8)
        left.set_xticks(range(len(advice.evidence)), [each.pattern for each in advice.evidence])
        left.set_ylabel("correlation with equal classes")
        right.bar(0, advice.directed, 0.7, color=COLOURS[0])
        right.bar(1, advice.undirected, 0.7, color=GREY)
        right.bar(2, advice.gap, 0.7, color=COLOURS[0])
        right.plot([3] * len(advice.gaps), advice.gaps, "o", color=GREY, markersize=4, alpha=0.6, clip_on=False)
        right.set_xticks(range(4), ["with", "without", "gap", "by chance"])
        right.set_ylabel("variance explained")
        right.set_ylim(bottom=0)
        kept = "with" if advice.keeps_direction else "without"
        left.set_title(f"{self.dataset}: {advice.score:.2f}, {kept} direction", fontsize=10, loc="left")
        return figure


def probe(dataset: Dataset, *, labels: Labels = "train", seed: int = 0) -> Directedness:
    """The advice, with direction or without, its score, and a row for each pattern of two edges; SS has no direction:

    pairs        pairs of labelled nodes that the pattern joins
    same         those of one class among them
    correlation  r, of being joined with having one class
    explained    r^2

    `labels` are those of the training part of `seed`, so that the advice may choose how to model; or `all`, which tells
    of the data set and may not. Raises IncompatibleError for data whose nodes have no classes, InputError for other
    labels.
    """
    output = dataset.spec.output
    if len(dataset.graphs) != 1 or (output.location, output.type) != ("node", "class"):
        raise IncompatibleError(
            f"{dataset.name} has no classes of the nodes of one graph",
            hint="directedness is about node-classification; graphlab datasets lists what is",
        )
    if labels not in get_args(Labels):
        raise InputError(f"labels cannot be {labels!r:.40}", hint="they are train or all")
    graph = dataset.graph
    num_nodes = int(graph.num_nodes or 0)
    labelled = np.full(num_nodes, labels == "all")
    if labels == "train":
        labelled[dataset.split(seed).train.cpu().numpy()] = True
    adjacency = adjacency_of(graph["edge_index"], num_nodes)
    advice = advise(adjacency, graph[output.name].cpu().numpy(), labelled)
    rows = tuple(
        {
            "pattern": each.pattern,
            "pairs": each.num_pairs,
            "same": each.num_same,
            "correlation": each.correlation,
            "explained": each.correlation**2,
        }
        for each in advice.evidence
    )
    mutual = reciprocity(adjacency)
    summary = {
        "score": advice.score,
        "directed": advice.directed,
        "undirected": advice.undirected,
        "gap_by_chance": max(advice.gaps),
    }
    if mutual is not None:
        summary["reciprocity"] = mutual
    return Directedness("directedness", dataset.name, _sentence(dataset, advice, mutual), summary, rows, advice)


def _sentence(dataset: Dataset, advice: Advice, mutual: float | None) -> str:
    if mutual is None:
        return f"{dataset.name} has no edges, and no direction to keep."
    if mutual == 1:
        return f"{dataset.name}: every edge has its reverse, and there is no direction to keep."
    looked_at = f"The classes of {advice.num_labelled:,} nodes were looked at."
    if not advice.counts:
        return (
            f"{dataset.name}: model it without direction, which explains no more of the classes than chance does. "
            f"{looked_at}"
        )
    word, sign = ("with", "at least") if advice.keeps_direction else ("without", "below")
    return (
        f"{dataset.name}: model it {word} the direction of its edges. A share of {advice.score:.2f} of what two edges "
        f"say of classes takes their direction, {sign} {THRESHOLD:g}. {looked_at}"
    )
