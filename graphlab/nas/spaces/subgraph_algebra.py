"""The algebra of subgraph GNNs as a space: policy, aggregations a layer, pooling. Zhang et al., ICML 2023, section 3.

Which spellings are one network hangs on the data. Where nodes carry nothing and edges have no direction, a tuple (u, v)
starts as (v, u) does, and every (v, v) alike. Then

- exchanging root and node throughout, `TURNED` in every layer and VS for SV, gives the same rows;
- as long as that symmetry lasts, so that a layer hears the same of (u, v) itself and of (v, u), and of (u, u) and of
  (v, v), one may stand for the other. `uv`, `vu`, `uu` and `vv` do not end it;
- as long as under node marks all that a tuple knows is whether u = v, `uG` and `vG` are the same too.

Where nodes carry something, a tuple starts as its node's vector and not as its root's, and all of these differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np

from graphlab.analysis.expressiveness import class_of_model
from graphlab.analysis.expressiveness.classes import TURNED
from graphlab.core.config import Choices, IntRange
from graphlab.data.spec import DataSpec
from graphlab.model.registry import MODELS, find_model
from graphlab.model.subgraph.aggregation import AGGREGATIONS, LOCAL
from graphlab.model.subgraph.network import Pooling, SubgraphConfig, SubgraphNetwork
from graphlab.nas.core.space import Architecture, Decision, Graph, Space

POLICIES = ("distance", "node-marked", "resistance")
MAX_DISTANCES = (2, 3, 5, 8)
"""From 2 on: on a connected graph, distances that end at 1 are a mark."""

POOLINGS = get_args(Pooling)
HIDDEN_DIMS = (16, 32, 64, 96)
LAYERS = 6
HIERARCHY = "subgraph/"
"""What the names of the models begin with that have one set of aggregations in every layer."""

SAME = (("uv", "vu"), ("uu", "vv"))
SAME_UNDER_MARKS = (*SAME, ("uG", "vG"))
"""Aggregations that hear the same as long as all is symmetric."""

Sets = tuple[tuple[str, ...], ...]


class SubgraphAlgebra(Space):
    """`policy`, with `max_distance` under `distance`; `pooling`, `hidden_dim`, `num_layers`; and `uv_1` to `vG_6`,
    whether a layer that is there has an aggregation. The models `subgraph/...` are points of it.

    A layer without aggregations is no network, nor are layers that mark the root and never look along an edge.
    """

    name = "subgraph-algebra"
    decisions = (
        Decision("policy", Choices(POLICIES), "policy"),
        Decision("max_distance", Choices(MAX_DISTANCES), "max_distance", {"policy": ("distance",)}),
        Decision("pooling", Choices(POOLINGS), "pooling"),
        Decision("hidden_dim", Choices(HIDDEN_DIMS), "hidden_dim"),
        Decision("num_layers", IntRange(1, LAYERS), "num_layers"),
        *(
            Decision(f"{name}_{k}", Choices((False, True)), name, {"num_layers": tuple(range(k, LAYERS + 1))})
            for k in range(1, LAYERS + 1)
            for name in AGGREGATIONS
        ),
    )

    def __init__(self, symmetric: bool = False) -> None:
        """symmetric: whether nodes carry nothing and edges have no direction."""
        self.symmetric = symmetric

    def on(self, spec: DataSpec) -> SubgraphAlgebra:
        return SubgraphAlgebra(symmetric=spec.node is None and not spec.directed)

    def hand_set(self) -> Mapping[str, Architecture]:
        """The models `subgraph/...` at their defaults, by what stands after the stroke: `swl-vs` to `sswl-plus`."""
        names = (name for name in MODELS.names() if name.startswith(HIERARCHY))
        return {name.removeprefix(HIERARCHY): self.canonical(point_of(name)) for name in names}

    def canonical(self, values: Mapping[str, Any]) -> Architecture:
        choices = self.checked(values)
        if not self.symmetric:
            return choices
        sets, pooling = sets_of(choices), choices["pooling"]
        turned = tuple(tuple(TURNED.get(name, name) for name in terms) for terms in sets)
        spellings = (
            (_settled(sets, choices["policy"]), pooling),
            (_settled(turned, choices["policy"]), _other(pooling)),
        )
        sets, pooling = min(spellings)
        present = {f"{name}_{k}": name in terms for k, terms in enumerate(sets, start=1) for name in AGGREGATIONS}
        return {**choices, "pooling": pooling, **present}

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        sets = sets_of(values)
        sees_edges = values["policy"] != "node-marked" or any(name in LOCAL for terms in sets for name in terms)
        return all(sets) and sees_edges

    def settings(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return self.name, {f"model.{name}": value for name, value in model_settings(values).items()}

    def about(self, values: Mapping[str, Any]) -> Mapping[str, str]:
        """`class`, the test of the hierarchy that tells apart any two graphs that the network does; empty where no
        theorem places it."""
        entry = find_model(self.name)
        return {"class": class_of_model(entry.cls, entry.config.parse(model_settings(values), where=entry.name)) or ""}

    def spelt(self, values: Mapping[str, Any]) -> str:
        """As `distance 5, uL + vL -> uL + vG, pooled VS, width 96: within SSWL`."""
        policy = f"distance {values['max_distance']}" if values["policy"] == "distance" else values["policy"]
        layers = " -> ".join(" + ".join(terms) for terms in sets_of(values))
        test = self.about(values)["class"]
        within = f": within {test}" if test else ""
        return f"{policy}, {layers}, pooled {values['pooling']}, width {values['hidden_dim']}{within}"

    def encode(self, values: Mapping[str, Any]) -> np.ndarray:
        """Policy, pooling, width and depth; what share of the layers has each aggregation; and which layer has."""
        sets = sets_of(values)
        has = np.zeros((LAYERS, len(AGGREGATIONS)), np.float32)
        for k, terms in enumerate(sets):
            has[k] = [name in terms for name in AGGREGATIONS]
        whole = [values["policy"] == policy for policy in POLICIES]
        whole += [values.get("max_distance", 0) / max(MAX_DISTANCES), values["pooling"] == POOLINGS[0]]
        whole += [math.log2(values["hidden_dim"] / min(HIDDEN_DIMS)), len(sets) / LAYERS]
        return np.concatenate([np.array(whole, np.float32), has.sum(0) / len(sets), has.ravel()])

    def graph(self, values: Mapping[str, Any]) -> Graph:
        """Tuples, each layer's aggregations of what the layer before gives, and the pooling, as data flows; the width
        feeds the tuples."""
        first = (values["policy"], values.get("max_distance"))
        labels = [_LABELS[values["hidden_dim"]], _LABELS[first]]
        edges, before = [(0, 1)], [1]
        for terms in (*sets_of(values), (values["pooling"],)):
            nodes = list(range(len(labels), len(labels) + len(terms)))
            labels += [_LABELS[name] for name in terms]
            edges += [(source, node) for source in before for node in nodes]
            before = nodes
        return Graph(tuple(labels), tuple(edges))

    @property
    def num_labels(self) -> int:
        return len(_LABELS)


_LABELS = {
    name: number
    for number, name in enumerate(
        [
            *HIDDEN_DIMS,
            *(("distance", cap) for cap in MAX_DISTANCES),
            ("node-marked", None),
            ("resistance", None),
            *AGGREGATIONS,
            *POOLINGS,
        ]
    )
}


def model_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the model `subgraph-algebra` that an architecture is."""
    names = ("policy", "max_distance", "pooling", "hidden_dim", "num_layers")
    return {name: values[name] for name in names if name in values} | {"aggregations": sets_of(values)}


def point_of(model: str) -> Architecture:
    """The architecture that a model `subgraph/...` is at its defaults."""
    entry = find_model(model)
    cls, config = entry.cls, entry.config.parse({}, where=entry.name)
    assert issubclass(cls, SubgraphNetwork)
    assert isinstance(config, SubgraphConfig)
    sets = cls.sets(config)
    present = {f"{name}_{k}": name in terms for k, terms in enumerate(sets, start=1) for name in AGGREGATIONS}
    names = ("policy", "max_distance", "hidden_dim", "num_layers")
    return {**{name: getattr(config, name) for name in names}, "pooling": cls.pooled(config), **present}


def sets_of(values: Mapping[str, Any]) -> Sets:
    """The aggregations of each layer, in the order of the algebra."""
    layers = range(1, values["num_layers"] + 1)
    return tuple(tuple(name for name in AGGREGATIONS if values[f"{name}_{k}"]) for k in layers)


def _settled(sets: Sequence[Sequence[str]], policy: str) -> Sets:
    """Of aggregations that are the same the first ones, in the order of the algebra, as far as the symmetry lasts."""
    same = SAME_UNDER_MARKS if policy == "node-marked" else SAME
    found: list[tuple[str, ...]] = []
    lasts = True
    for terms in sets:
        names = set(terms)
        if lasts:
            for twins in same:
                count = len(names.intersection(twins))
                names = names.difference(twins) | set(twins[:count])
            lasts = all(any(name in twins for twins in same) for name in terms)
        found.append(tuple(name for name in AGGREGATIONS if name in names))
    return tuple(found)


def _other(pooling: str) -> str:
    return "SV" if pooling == "VS" else "VS"
