"""What an assignment of number formats costs a model, and trained runs as networks on integers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from graphlab.core.errors import IncompatibleError, InputError
from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Plan, make_plan
from graphlab.experiment.restore import restore
from graphlab.experiment.runs import Runs
from graphlab.model.frozen import FrozenModel, freeze
from graphlab.model.places import counts
from graphlab.model.pruned_weights import pruned_weights
from graphlab.model.transform import TRANSFORM
from graphlab.model.transforms.mixed_bits import chosen_assignment
from graphlab.model.transforms.node_bits import average_bits
from graphlab.quantization.accounting import Count, LearnedBits
from graphlab.quantization.accounting import bits as bits_of
from graphlab.quantization.assignment import Assignment
from graphlab.quantization.files import load_network, save_network
from graphlab.records.record import RunRecord
from graphlab.task.base import Learner, Task
from graphlab.task.kinds.graph_prediction import GraphPrediction
from graphlab.task.kinds.node_classification import NodeClassification

BATCH = 256
"""Graphs that are compared at once."""

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.data.dataset import Dataset


def quantized_bits(
    model: str | RunRecord | Runs,
    dataset: str | Dataset | None = None,
    scheme: str | None = None,
    store: str | os.PathLike[str] | None = None,
    **overrides: Any,
) -> pd.DataFrame:
    """What a scheme of number formats costs a model on a data set, without training it, or what a trained run costs.

    Of a run the bits are those of its scheme, those that `mixed-bits` has chosen, or the means of those that
    `node-bits` has learned, with a scale a node. Of a pruned run the weights that are kept count, and a mask: see
    `graphlab.pruning.accounting.sparse_bits`. `average_by_numbers` of the row `input` is then the mean over nodes
    and dimensions, as A2Q counts.

    Numbers are those of the weights, and of what is computed for one batch of training. Scales count 32 bits each,
    places without a format 32 bits a number.

    Args:
        model, dataset, overrides: As for `run`. Or the model is a run, as `restore` takes it, and no more is there.
        scheme: As w4a8; see `graphlab.quantization.assignment`.
        store: Where data of one's own is.

    Returns:
        A row a component and one in total, with `weight_bits`, `buffer_bits`, `operations` (bit operations),
        `average` (mean bits over places, as MixQ counts), `average_by_numbers`, of numbers that are not pruned, and
        `sparsity`, the share of weights that are. `attrs["without_place"]` lists the
        rules that no place of the model fits.

    Raises:
        InputError: A rule of the scheme cannot be read; a data set has no scheme, or one that is learned in training;
            and as `run` and `restore`.
    """
    if dataset is None:
        if scheme is not None or overrides:
            raise InputError(
                "of a run the bits are those that it was trained with", hint="name a model and a data set, or no scheme"
            )
        return _bits_of_run(model, store)
    if scheme is None or not isinstance(model, str):
        raise InputError("a model and a data set need a scheme to count", hint="give one, as w8a8, or a run alone")
    plan = make_plan(model, dataset, overrides, store)
    if TRANSFORM in plan.components:
        raise InputError(
            f"{plan.title} is counted before training, by a scheme alone", hint="train it, and give the run alone"
        )
    return _bits_of_plan(plan, Assignment.parse(scheme))


def _bits_of_run(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None) -> pd.DataFrame:
    trained = restore(run, store)
    component = trained.plan.components.get(TRANSFORM)
    scheme = getattr(component and component.config, "scheme", None)
    if scheme is not None:
        assignment = Assignment.parse(scheme)
    elif component is None or component.name != "mixed-bits":
        assignment = Assignment(())
    else:
        assignment = chosen_assignment(trained.learner)
    learned = {path: LearnedBits(bits) for path, bits in average_bits(trained.learner).items()}
    rest = {group: each for group, each in trained.plan.components.items() if group != TRANSFORM}
    densities = {path: mask.kept / mask.mask.numel() for path, mask in pruned_weights(trained.learner)}
    return _bits_of_plan(replace(trained.plan, components=rest), assignment, learned, densities)


def memory_bits(plan: Plan, task: Task[Any], seed: int) -> int:
    """Bits of the weights of an untrained network, and of what it computes for one batch of training, by the formats of
    its transform.

    Raises:
        IncompatibleError: It has a transform that has no scheme of formats before training.
    """
    component = plan.components.get(TRANSFORM)
    if component is not None and component.name != "quantize":
        raise IncompatibleError(
            f"what {component.name} keeps is not known before training", hint="use the transform quantize, or none"
        )
    scheme: str | None = getattr(component and component.config, "scheme", None)
    assignment = Assignment(()) if scheme is None else Assignment.parse(scheme)
    total = bits_of(assignment, _counts(plan.build_learner(task, seed), task, assignment))[-1]
    return total.weight_bits + total.buffer_bits


def _counts(learner: Learner, task: Task[Any], assignment: Assignment) -> list[Count]:
    """Of a learner without a transform, for one batch of training."""
    batch = task.batches(SeedStream(0))[0]
    with_messages = any(rule.pattern == "message" for rule in assignment.rules)
    return counts(learner.eval(), lambda: task.loss(learner, batch), with_messages)


def _bits_of_plan(
    plan: Plan,
    assignment: Assignment,
    learned: Mapping[str, LearnedBits] | None = None,
    densities: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    import pandas as pd

    task = plan.make_task(0)
    rows = _counts(plan.make_learner(task, 0), task, assignment)
    frame = pd.DataFrame([asdict(each) for each in bits_of(assignment, rows, learned, densities)]).set_index("name")
    frame.attrs["without_place"] = assignment.without_place(row.place for row in rows)
    return frame


def frozen(
    run: RunRecord | Runs | str,
    path: str | os.PathLike[str] | None = None,
    store: str | os.PathLike[str] | None = None,
) -> FrozenModel:
    """A finished run of the transform `quantize` as a network on integers.

    Args:
        run: A record, `Runs`, a run's id or its beginning, or "latest".
        path: A .safetensors file to write it to; None for none.
        store: Where the run is.

    Returns:
        A model that maps graphs to logits, in integers. `about` says of which run it is, how many labels of the data
        set differ from those of the run, and by how much logits do at most.

    Raises:
        IncompatibleError: A part of the model has no form on integers; it is named.
        UnknownNameError, InputError, StoreError: As `restore` does; or the file cannot be written.
    """
    trained = restore(run, store)
    if isinstance(trained.task, NodeClassification):
        graphs = [trained.dataset.graph]
    elif isinstance(trained.task, GraphPrediction):
        graphs = [trained.task.collate(items) for items in torch.arange(len(trained.dataset.graphs)).split(BATCH)]
    else:
        raise IncompatibleError(
            f"{trained.record.spec.task} does not run on integers", hint="freeze a model of nodes or graphs"
        )
    network = freeze(trained.learner)
    model = FrozenModel(network, {})
    with torch.no_grad():
        expected = torch.cat([trained.learner.head(trained.learner.model(graph), graph) for graph in graphs])
    logits = torch.cat([model(graph) for graph in graphs])
    about = {
        "run": trained.record.id,
        "model": trained.record.spec.title,
        "dataset": trained.record.spec.dataset,
        "labels that differ": f"{int((logits.argmax(1) != expected.argmax(1)).sum())} of {len(logits)}",
        "largest difference of logits": f"{float((logits - expected).abs().max()):.3g}",
    }
    if path is not None:
        try:
            about["sha256"] = save_network(network, Path(path), about)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}", hint="choose another file") from None
    return FrozenModel(network, about)


def chosen_scheme(run: RunRecord | Runs | str, store: str | os.PathLike[str] | None = None) -> str:
    """The scheme that a run of the transform `mixed-bits` has come to, to train with anew.

    Args:
        run: A record, `Runs`, a run's id or its beginning, or "latest".
        store: Where the run is.

    Returns:
        A rule a place, as `--quantize` and `transform.scheme` take it.

    Raises:
        UnknownNameError, InputError, StoreError: As `restore` does; or the run has no mixtures of bit widths.
    """
    return str(chosen_assignment(restore(run, store).learner))


def load_frozen(path: str | os.PathLike[str]) -> FrozenModel:
    """Read a network on integers that `frozen` has written.

    Raises:
        DataError: The file is not there, is none of these, is cut off, or was altered.
    """
    return FrozenModel(*load_network(Path(path)))
