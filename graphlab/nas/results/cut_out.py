"""Networks cut out of the supernet of a search: runs of no epochs whose weights are slices of the supernet's.

Such a run takes part in all that runs do: `gl.restore`, leaderboards, and `training.start` to go on from its weights.
Its record names the search and the architecture that the weights are of, and the digest of the tensors.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.data.own import keep
from graphlab.experiment.imported import write_import
from graphlab.experiment.plan import Plan, plan_on
from graphlab.experiment.runs import Runs
from graphlab.model.weight_format import WEIGHTS, require_fit
from graphlab.nas.core.space import Architecture
from graphlab.nas.plan import SearchPlan
from graphlab.nas.strategies.elastic import Elastic
from graphlab.records.store import Store

FORMAT = "supernet"
"""The format of the weights of such a run."""


def cut_out(plan: SearchPlan, values: Architecture) -> Runs:
    """The run of an architecture with its slices of the supernet, on the official split, in the search's store.

    The supernet has seen what the search has: with `on="train"` a part of the training labels, with `on="validation"`
    all of them. A run that is there already is only read.

    Args:
        plan: Of a search with the strategy `elastic`.

    Returns:
        Runs of one record. Where a data set draws its splits, it is that of seed 0, on which the search was.

    Raises:
        InputError: The search has no supernet that networks can be cut out of.
    """
    strategy = plan.strategy
    if not isinstance(strategy, Elastic):
        raise InputError(
            f"{plan.spec.strategy} trains no supernet that networks can be cut out of", hint="search with elastic"
        )
    started, store = time.monotonic(), Store(plan.spec.store)
    plan.objective.keep_in(store.path / plan.folder)
    weights = strategy.cut_out(values)
    network = _plan_of(plan, values, weights)
    seed = 0 if plan.data.splits.draw is not None else plan.spec.seeds[0]
    folder = store.folder(network.spec(seed))
    record = folder.read_finished()
    if record is None:
        learner = network.make_learner(network.make_task(seed, plan.objective.device), seed)
        require_fit(weights, learner.state_dict())
        learner.load_state_dict(weights)
        keep(network.dataset, store.path)
        record = write_import(network, seed, learner.eval(), folder, True, {}, started)
    return Runs((record,), store.path)


def _plan_of(plan: SearchPlan, values: Architecture, weights: Mapping[str, Tensor]) -> Plan:
    model, settings = plan.space.settings(values)
    origin = {
        WEIGHTS: FORMAT,
        f"{WEIGHTS}.sha256": digest(weights),
        f"{WEIGHTS}.study": plan.name,
        f"{WEIGHTS}.architecture": plan.space.key(values),
    }
    network = plan_on(plan.data, model, {**plan.own_settings, **settings, **origin, "training.epochs": 0})
    return replace(network, eligibility=plan.eligibility)


def digest(weights: Mapping[str, Tensor]) -> str:
    """The sha256 of tensors: of their names, kinds, shapes and numbers, whatever their order."""
    state = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        state.update(tensor.cpu().contiguous().numpy().tobytes())
    return state.hexdigest()
