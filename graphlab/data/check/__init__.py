"""One check of data: what every data set must be, whoever brings it.

`load` asks it of what adapters build and of what transforms make, every plan of a data set in memory, and the contract
of data sets of what is registered. docs/DATA.md says what is refused, converted and noticed. Start at `check`; `graphs`
has tensors of graphs, `targets` their targets. What the parts of a split hold is checked by `graphlab.data.items`, and
`graphlab.data.draft` is the copy that conversions are made on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

from torch_geometric.data import Data

from graphlab.core.errors import GraphLabError, InputError
from graphlab.data.card import Card
from graphlab.data.check.graphs import MOST, check_graphs
from graphlab.data.check.targets import check_targets
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.draft import Draft
from graphlab.data.item import Items, find_items
from graphlab.data.spec import Categorical, Continuous, DataSpec, Location, Stage, Target, TargetType
from graphlab.data.weights import with_weights

__all__ = ["check", "check_split"]

TARGET_CHOICES = {"location": get_args(Location), "type": get_args(TargetType), "stage": get_args(Stage)}
"""Fields of a Target that are one of a few words."""

FLAGS = ("directed", "weighted")
"""Fields of a DataSpec that are True or False."""


def check(dataset: Dataset, error: type[GraphLabError] = InputError) -> Dataset:
    """The data set as every task and model may rely on it, with what is suspicious about it in its `notices`.

    What has a plain meaning is converted, in copies: nothing that was given is changed. Data that are as they should be
    come back as the same object. `notices` that reading or converting the data left are kept.

    Args:
        error: the class that a refusal is raised as: InputError where the data set comes from a caller's memory,
            DataError where it comes from files.

    Raises:
        GraphLabError: of that class, for data that cannot be right, naming the place, the values and the remedy.
    """
    try:
        return _checked(dataset)
    except InputError as problem:
        if isinstance(problem, error):
            raise
        raise error(problem.message, hint=problem.hint) from None


def check_split(dataset: Dataset, split: Split) -> None:
    """See that one split fits a data set that was checked: those that are drawn from the seed are seen at each run.

    Raises InputError where it does not.
    """
    _require_split(dataset, split)
    draft = Draft(dataset)
    draft.sizes = [int(graph.num_nodes or 0) for graph in dataset.graphs]
    draft.items.check(draft, [split])


def _checked(dataset: Dataset) -> Dataset:
    _check_outline(dataset)
    dataset = with_weights(dataset)
    draft = Draft(dataset)
    findings = [*check_graphs(draft), *check_targets(draft)]
    _check_labels(draft)
    findings += draft.findings
    findings += draft.items.check(draft, dataset.splits.fixed or [_drawn(dataset)])
    kept = [notice for notice in dataset.notices if notice not in dataset.findings]
    notices = tuple(dict.fromkeys([*kept, *draft.conversions(), *findings]))
    if not draft.changed and notices == dataset.notices and tuple(findings) == dataset.findings:
        return dataset
    return replace(dataset, graphs=tuple(draft.graphs), notices=notices, findings=tuple(findings))


def _drawn(dataset: Dataset) -> Split:
    """The split of seed 0."""
    split = dataset.splits.at(0)
    _require_split(dataset, split)
    return split


def _require_split(dataset: Dataset, split: object) -> None:
    if not isinstance(split, Split):
        raise InputError(f"a split of {dataset.name} is {split!r:.60}", hint="it is a Split(train, validation, test)")
    if split.negatives and not find_items(dataset.spec.items).are_edges:
        raise InputError(
            f"a split of {dataset.name} has negatives, and its items are {dataset.spec.items}",
            hint="negatives are those of links, where items are node-pairs or ranked-pairs",
        )


def _check_words(dataset: Dataset) -> None:
    """Names and notices are text."""
    for key in ("name", "task"):
        if not isinstance(getattr(dataset, key), str) or not getattr(dataset, key):
            raise InputError(f"a data set has the {key} {getattr(dataset, key)!r:.60}", hint=f"its {key} is text")
    if not isinstance(dataset.evaluator, str):
        raise InputError(
            f"{dataset.name} has the evaluator {dataset.evaluator!r:.60}", hint="it is text, as 'ogbl-collab', or empty"
        )
    for key in ("notices", "findings"):
        value = getattr(dataset, key)
        if not isinstance(value, tuple | list) or not all(isinstance(notice, str) for notice in value):
            raise InputError(f"{dataset.name} has {key}={value!r:.60}", hint="give a tuple of sentences")
    labels = dataset.labels
    if not isinstance(labels, Mapping) or not all(isinstance(key, str) for key in labels):
        raise InputError(f"{dataset.name} has labels={labels!r:.60}", hint="give names by kind, as {'classes': (...)}")


def _check_outline(dataset: Dataset) -> None:
    """The data set holds the kinds of objects that it says, and as many graphs as its items have."""
    _check_words(dataset)
    spec, graphs = dataset.spec, dataset.graphs
    if not isinstance(spec, DataSpec) or not isinstance(dataset.splits, Splits):
        raise InputError(
            f"{dataset.name} has the spec {spec!r:.60} and the splits {dataset.splits!r:.60}",
            hint="they are a DataSpec and a Splits",
        )
    if not isinstance(dataset.card, Card):
        raise InputError(
            f"{dataset.name} has the card {dataset.card!r:.60}", hint="give a Card, as gl.dataset makes one"
        )
    if not isinstance(graphs, tuple | list) or not all(isinstance(graph, Data) for graph in graphs):
        raise InputError(f"the graphs of {dataset.name} are no tuple of PyG's Data", hint="graphs=(data,) holds one")
    items = _items_of(dataset)
    _check_spec(dataset)
    for split in dataset.splits.fixed:
        _require_split(dataset, split)
    place = dataset.validation_graph
    last = len(graphs) - 1
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= last:
        raise InputError(f"{dataset.name} has no graph {place!r} for validation", hint=f"graphs are 0 to {last}")
    items.check_outline(dataset)


def _items_of(dataset: Dataset) -> Items:
    """The kind of its items, of which it has as many graphs as there may be."""
    try:
        items = find_items(dataset.spec.items)
    except GraphLabError as problem:
        raise InputError(f"{dataset.name} has no items: {problem.message}", hint=problem.hint) from None
    number = len(dataset.graphs)
    if number < items.fewest or (items.most is not None and number > items.most):
        raise InputError(
            f"{dataset.name} has {number:,} graphs, and its items are {items.plural}",
            hint="nodes and pairs of nodes are those of one graph, pairs of graphs of two or more; of many graphs the "
            "items are graphs",
        )
    return items


def _check_target(dataset: Dataset, target: object) -> None:
    if not isinstance(target, Target):
        raise InputError(f"{dataset.name} has the target {target!r:.60}", hint="say Target(name, location, type, size)")
    for key, choices in TARGET_CHOICES.items():
        value = getattr(target, key)
        if not isinstance(value, str) or value not in choices:
            raise InputError(
                f"the target {target.name!r:.60} of {dataset.name} has {key}={value!r:.60}",
                hint=f"it is {' or '.join(map(repr, choices))}",
            )
    _check_count(dataset, f"the target {target.name!r:.60} of {dataset.name} has size", target.size, 1)
    if not isinstance(target.name, str) or not target.name:
        raise InputError(f"{dataset.name} has a target called {target.name!r:.60}", hint="its name is text, as 'y'")


def _check_count(dataset: Dataset, what: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        raise InputError(f"{what}={value!r:.60}", hint=f"it is a whole number from {least} to {MOST:,}")


def _check_targets(dataset: Dataset) -> None:
    """Targets are well-formed, one at least is an output, and no two have one name."""
    targets = dataset.spec.targets
    if not isinstance(targets, tuple | list) or not targets:
        raise InputError(
            f"the spec of {dataset.name} has targets={targets!r:.60}", hint='say targets=(Target("y", ...),)'
        )
    for target in targets:
        _check_target(dataset, target)
    if all(target.stage != "output" for target in targets):
        raise InputError(f"{dataset.name} has no output among its targets", hint='one has stage="output"')
    names = [target.name for target in targets]
    if len(set(names)) < len(names):
        raise InputError(f"{dataset.name} has two targets of one name: {', '.join(names)}", hint="name each apart")


def _check_spec(dataset: Dataset) -> None:
    spec = dataset.spec
    _check_targets(dataset)
    counts = {"num_relations": spec.num_relations}
    counts |= {} if spec.num_entities is None else {"num_entities": spec.num_entities}
    for features in (spec.node, spec.edge):
        if isinstance(features, Continuous):
            counts["dim"] = features.dim
        elif isinstance(features, Categorical):
            counts |= {f"sizes[{k}]": size for k, size in enumerate(features.sizes)}
        elif features is not None:
            raise InputError(
                f"{dataset.name}: {features!r:.60} describes no features",
                hint="say Continuous(dim), Categorical(sizes)",
            )
    for key in FLAGS:
        if not isinstance(getattr(spec, key), bool):
            raise InputError(
                f"the spec of {dataset.name} has {key}={getattr(spec, key)!r:.60}", hint="it is True or False"
            )
    for key, value in counts.items():
        _check_count(dataset, f"the spec of {dataset.name} has {key}", value, 0)


def _check_labels(draft: Draft) -> None:
    """As many names as there are things; see `Dataset.labels`."""
    labels = draft.dataset.labels
    sizes = draft.items.label_sizes(draft)
    for key, names in labels.items():
        size = sizes.get(key)
        if not isinstance(names, tuple | list) or not set(map(type, names)) <= {str}:
            raise InputError(f"the labels {key!r} of {draft.name} are no tuple of text", hint="a label is a str")
        if size is not None and names and len(names) != size:
            raise InputError(
                f"{draft.name} has {len(names):,} names of {size:,} {key.replace('_', ' ')}",
                hint="give one name each in the order of ids, or none",
            )
        if key in sizes and len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})[:3] if len(names) < 1000 else []
            draft.findings.append(
                f"{len(names) - len(set(names)):,} of the {len(names):,} names of {key.replace('_', ' ')} occur twice"
                + (f": {', '.join(map(repr, twice))}" if twice else "")
            )
