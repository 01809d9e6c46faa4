"""From one graph to a data set of its nodes, or of its links."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import InputError
from graphlab.data.convert.columns import by_place, made_features
from graphlab.data.convert.request import MADE_FEATURES, Request
from graphlab.data.convert.splits import HINT, drawn_split, given_splits, make_splits, mask_splits, split_name, stream
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.directed_links import directed_links_spec, ordered_edges, split_edges
from graphlab.data.links import both_directions, split_links, unordered
from graphlab.data.spec import LINK, UNLABELLED, Categorical, Continuous, DataSpec, Features, Target

TASKS = ("node-classification", "link-prediction", "directed-links")
"""What one graph can be for."""


@dataclass(frozen=True)
class NodeGraph:
    """A graph as a converter leaves it.

    graph    its tensors: edge_index, and where there are any x, y, edge_attr, edge_weight
    names    of the nodes, as the user has them; None where they have none but their ids
    written  the same as text
    classes  names of classes
    masks    of training, validation and test, where the source has some
    """

    graph: Data
    directed: bool
    names: Sequence[Hashable] | None = None
    written: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    masks: tuple[Tensor, ...] = ()
    notices: tuple[str, ...] = field(default=())


def dataset_of_graph(request: Request, source: NodeGraph) -> Dataset:
    """The data set of a task about one graph: of its nodes, which need classes, or of its links."""
    source = _with_made_features(request, source)
    task = request.require_task(*TASKS)
    if task != "node-classification":
        return _links(request, source) if task == "link-prediction" else _directed_links(request, source)
    y = source.graph.get("y")
    if y is None:
        raise InputError(
            f"the nodes of {request.name} have no classes",
            hint="say target=, the attribute or column that has them, or labels=; or "
            'task="link-prediction" or "directed-links"',
        )
    spec = DataSpec(
        "nodes",
        (Target("y", "node", "class", len(source.classes) or max(1, int(y.max()) + 1 if y.numel() else 0)),),
        node=features_of(source.graph.x),
        edge=edge_features(source.graph),
        directed=source.directed,
        weighted=source.graph.get("edge_weight") is not None,
    )
    return request.dataset(
        "node-classification", [source.graph], _node_splits(request, source, y), spec, **_more(source, links=False)
    )


def features_of(x: Tensor | None) -> Features | None:
    """Real numbers are continuous; whole numbers are categories, as many a column as the largest says."""
    if x is None:
        return None
    if x.is_floating_point() or x.dtype == torch.bool or not x.numel():
        return Continuous(x.shape[1] if x.dim() > 1 else 1)
    columns = x.reshape(len(x), -1)
    return Categorical(tuple(int(size) + 1 for size in columns.amax(0).clamp(min=0)))


def edge_features(graph: Data) -> Features | None:
    """As of nodes; real numbers in one dimension are weights, and no features."""
    attributes = graph.edge_attr
    if attributes is None or (attributes.dim() == 1 and attributes.is_floating_point()):
        return None
    return features_of(attributes)


def category_notice(what: str, features: Features | None) -> tuple[str, ...]:
    """What a caller may not have meant by whole numbers."""
    if not isinstance(features, Categorical):
        return ()
    return (f"{what} are whole numbers, read as categories: give them as floats where they are amounts",)


def _with_made_features(request: Request, source: NodeGraph) -> NodeGraph:
    kind = request.features
    if not isinstance(kind, str):
        return source
    if kind not in MADE_FEATURES:
        raise InputError(f"no features are called {kind!r}", hint=f"there are {', '.join(MADE_FEATURES)}; or a list")
    if source.graph.x is not None:
        raise InputError(f"{request.name} has features of its own", hint=f"leave features={kind!r} out, or the others")
    if request.require_task(*TASKS) != "node-classification" and kind == "degree":
        raise InputError(f"the degrees of {request.name} tell of links to be predicted", hint='say features="identity"')
    graph = source.graph.clone()
    edge_index: Tensor = graph["edge_index"]
    graph.x = made_features(kind, edge_index, int(graph.num_nodes or 0))
    return NodeGraph(**{**vars(source), "graph": graph})


def _node_splits(request: Request, source: NodeGraph, y: Tensor) -> Splits:
    if request.split is None and source.masks:
        return mask_splits(request, source.masks)
    labelled = (y.flatten() != UNLABELLED).nonzero().flatten()
    places = None if source.names is None else by_place(source.names)
    return make_splits(request, labelled, y.flatten()[labelled], places)


def _more(source: NodeGraph, *, links: bool) -> dict:
    labels = {"nodes": source.written} if source.written else {}
    if source.classes and not links:
        labels["classes"] = source.classes
    return {"labels": labels, "notices": source.notices}


def _directed_links(request: Request, source: NodeGraph) -> Dataset:
    if not source.directed:
        raise InputError(
            f"the links of {request.name} have no direction, and directed-links is about where edges lead",
            hint='give a networkx.DiGraph, or say directed=True where edges have one; else task="link-prediction"',
        )
    edge_index: Tensor = source.graph["edge_index"]
    edges = ordered_edges(edge_index)
    more = _more(source, links=True)
    more["notices"] = (*more["notices"], *_left_out(source.graph, "directed-links"))
    graph = Data(edge_index=edges.t().contiguous(), num_nodes=int(source.graph.num_nodes or 0))
    if source.graph.x is not None:
        graph.x = source.graph.x
    spec = directed_links_spec(features_of(graph.x), int(graph.num_nodes or 0))
    splits = _link_splits(request, lambda percents: split_edges(edges, stream(request), percents))
    return request.dataset("directed-links", [graph], splits, spec, **more)


def _left_out(graph: Data, task: str) -> list[str]:
    """Notices of what the tasks of links leave out."""
    edge_index: Tensor = graph["edge_index"]
    loops = int((edge_index[0] == edge_index[1]).sum())
    notices = [f"{loops:,} self-loops are left out: they join no pair of nodes"] if loops else []
    if graph.get("edge_weight") is not None:
        notices.append(f"{task} reads no weights of edges, which are left out")
    return notices


def _links(request: Request, source: NodeGraph) -> Dataset:
    if source.directed:
        raise InputError(
            f"the links of {request.name} have a direction, and link-prediction is about links that have none",
            hint='say directed=False where direction means nothing, or task="directed-links"; or give triples',
        )
    num_nodes, edge_index = int(source.graph.num_nodes or 0), source.graph["edge_index"]
    links = unordered(edge_index)
    graph = Data(edge_index=both_directions(links), num_nodes=num_nodes)
    if source.graph.x is not None:
        graph.x = source.graph.x
    spec = DataSpec("node-pairs", (LINK,), node=features_of(graph.x), num_entities=num_nodes)
    more = _more(source, links=True)
    more["notices"] = (*more["notices"], *_left_out(source.graph, "link-prediction"))
    splits = _link_splits(request, lambda percents: split_links(links, num_nodes, stream(request), percents))
    return request.dataset("link-prediction", [graph], splits, spec, **more)


def _link_splits(request: Request, draw: Callable[[tuple[int, int, int]], Split]) -> Splits:
    split = request.split
    if split is None:
        raise InputError(f"{request.name} has no split", hint=HINT.replace("60/20/20", "85/5/10"))
    if not isinstance(split, str):
        return given_splits(request, None)
    kind, percents = drawn_split(split)
    if kind != "random":
        raise InputError(f"links have no classes that {split!r} could keep the shares of", hint='say "random-85/5/10"')
    return Splits(split_name(request, split), fixed=(draw(percents),))
