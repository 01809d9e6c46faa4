"""Runs that are done already, found without importing torch.

What a plan came to, its spec, notices and code, follows from the request, GraphLab's files and the raw data. The index
keeps it by request, so that a run which the store has is only read. The raw files are checked each time, and so are the
files of the run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphlab.core import index
from graphlab.core.config import plain
from graphlab.core.errors import StoreError
from graphlab.core.files import canonical_json, hash_text
from graphlab.data.fetch import Files
from graphlab.data.identity import OWN, named_identity
from graphlab.data.load import find_dataset, full_name
from graphlab.data.registry import find_card
from graphlab.experiment.runs import Runs
from graphlab.model.registry import MODELS
from graphlab.records.record import RunSpec
from graphlab.records.store import Store
from graphlab.task.registry import TASKS

if TYPE_CHECKING:
    from graphlab.experiment.plan import Plan


class Request:
    """A model, a data set, a task and settings, as `gl.run` is given them.

    Attributes:
        section: Where the index keeps what its plan came to; empty for what the index does not keep: data and models
            of one's own, objects, and anything in a process that has imported torch, whose modules may be changed.
    """

    def __init__(self, model: Any, dataset: Any, task: str | None, overrides: Mapping[str, Any]) -> None:
        self.model, self.dataset, self.task, self.section = model, dataset, task, ""
        if not all(isinstance(name, str) and not name.startswith(OWN) for name in (model, dataset)):
            return
        if not index.is_read():
            return
        try:
            settings = {name: plain(value) for name, value in overrides.items()}
            self.section = f"plan-{hash_text(canonical_json([model, dataset, task, settings]))[:32]}"
        except (TypeError, ValueError):  # what JSON cannot say is no setting, which planning tells
            return

    def require_names(self) -> None:
        """Raises UnknownNameError and InputError as planning does, before torch is imported for it."""
        if self.section:
            find_dataset(self.dataset, task=self._task)
            MODELS.resolve(self.model)

    def done(self, seeds: Sequence[int], store: str | os.PathLike[str] | None, device: str) -> Runs | None:
        """The runs of all seeds, if the store has each of them settled; None where planning is to decide."""
        plan = index.read(self.section) if self.section else None
        if plan is None or device not in ("auto", "cpu") or os.environ.get("WORLD_SIZE", "1") != "1":
            return None
        spec = RunSpec.from_json(plan["spec"])
        if spec.training["precision"] != "fp32":  # whether the device has it is for torch to say
            return None
        adapter, split = find_dataset(self.dataset, task=self._task)
        digests = Files(find_card(adapter).sources_of(adapter.variant, split)).digests()
        if spec.data != named_identity(adapter, full_name(adapter, split), split, digests):
            return None
        opened = Store(store)
        try:
            records = [opened.folder(replace(spec, seed=seed)).read_settled() for seed in seeds]
        except StoreError:
            return None
        notices = tuple(plan["notices"])
        settled = tuple(replace(record, notices=notices) for record in records if record)
        return Runs(settled, opened.path, plan["code"]) if settled and len(settled) == len(records) else None

    def keep(self, plan: Plan) -> None:
        """Keep what the plan of this request came to."""
        if self.section:
            outcome = {"spec": plan.spec(0).to_json(), "notices": list(plan.notices), "code": plan.imported_code}
            index.keep(self.section, outcome)

    @property
    def _task(self) -> str | None:
        return None if self.task is None else TASKS.resolve(self.task).name
