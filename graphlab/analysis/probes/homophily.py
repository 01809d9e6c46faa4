"""How far the classes of nodes agree that an edge joins, or two edges with and without their direction: node, edge,
class and adjusted homophily, label informativeness and reciprocity; see `graphlab.analysis.directedness`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphlab.analysis.directedness import (
    PATTERNS,
    Homophily,
    adjacency_of,
    homophily_of,
    pattern_blocks,
    reciprocity,
    require_pattern,
)
from graphlab.analysis.probe import Finding
from graphlab.core.errors import IncompatibleError
from graphlab.data.dataset import Dataset


def probe(dataset: Dataset, *, patterns: str | Sequence[str] = "all", self_pairs: bool = False) -> Finding:
    """Homophilies of the pairs of nodes that each pattern joins, a row each:

    A, A'                edges as they lead, and turned round
    AA, AA', A'A, A'A'   two edges along or against their direction
    S, SS                one edge and two, without direction

    `patterns` is `all`, a name, names with commas between them, or a list. `self_pairs` counts self-loops in A, A' and
    S. Classes are those of all nodes, whatever the split. The summary is about A, and reciprocity is the share of edges
    whose reverse is there. A measure that is not defined is None.

    Raises IncompatibleError for data whose nodes have no classes, InputError for a pattern that is not there.
    """
    output = dataset.spec.output
    if len(dataset.graphs) != 1 or (output.location, output.type) != ("node", "class"):
        raise IncompatibleError(
            f"{dataset.name} has no classes of the nodes of one graph",
            hint="homophily is about node-classification; graphlab datasets lists what is",
        )
    graph = dataset.graph
    adjacency = adjacency_of(graph["edge_index"], int(graph.num_nodes or 0))
    y = graph[output.name].cpu().numpy()
    mutual = reciprocity(adjacency)
    measures: dict[str, Homophily] = {}
    for pattern in dict.fromkeys(("A", *_chosen(patterns))):
        same = pattern.replace("'", "").replace("S", "A") if mutual == 1 else pattern
        if same not in measures:
            measures[same] = homophily_of(pattern_blocks(adjacency, same, self_pairs=self_pairs), y)
        measures[pattern] = measures[same]
    rows = tuple({"pattern": pattern, **vars(measures[pattern])} for pattern in _chosen(patterns))
    summary = {key: value for key, value in vars(measures["A"]).items() if value is not None}
    if mutual is not None:
        summary["reciprocity"] = mutual
    bare = [row["pattern"] for row in rows if not row["num_pairs"]]
    text = _sentence(dataset, summary) + (f" No two nodes are joined by {', '.join(bare)}." if bare else "")
    return Finding("homophily", dataset.name, text, summary, rows)


def _chosen(patterns: str | Sequence[str]) -> Sequence[str]:
    if patterns == "all":
        return PATTERNS
    names = [name.strip() for name in patterns.split(",")] if isinstance(patterns, str) else list(patterns)
    for name in names:
        require_pattern(name)
    return names


def _sentence(dataset: Dataset, summary: dict[str, Any]) -> str:
    if "edge" not in summary:
        return f"{dataset.name}: no edge joins two nodes whose classes are known, so that no homophily is defined."
    direction = "have a direction" if dataset.spec.directed else "have no direction"
    named = {"adjusted": "adjusted homophily", "label_informativeness": "label informativeness"}
    known = ", ".join(f"{title} {summary[key]:.3f}" for key, title in named.items() if key in summary)
    known = known or "adjusted homophily and label informativeness not defined, as all ends have one class"
    reciprocal = f"; {summary['reciprocity']:.1%} of the edges have their reverse" if "reciprocity" in summary else ""
    return (
        f"{dataset.name}: edges {direction}{reciprocal}. {summary['edge']:.1%} of {summary['num_pairs']:,} edges join "
        f"nodes of one class: {known}."
    )
