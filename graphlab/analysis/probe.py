"""Probes: what a data set or a model is found to be, one file each in `graphlab/analysis/probes/`.

A file has a function `probe(dataset, *, options)` and, where it has something to say of models, also
`probe_model(model, dataset, *, options)` of a ModelEntry and a Dataset or None. Both give a Finding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

from graphlab.analysis.registry import PROBES
from graphlab.core.errors import ConfigError, InputError, UnknownNameError
from graphlab.data.check import check
from graphlab.data.dataset import Dataset
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.experiment.restore import find_record
from graphlab.experiment.runs import Runs
from graphlab.model.registry import MODELS, ModelEntry, find_model
from graphlab.records.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    summary  numbers about the whole
    rows     a mapping a line, all with the same keys
    text     the finding in a sentence or two
    """

    probe: str
    dataset: str
    text: str
    summary: Mapping[str, float]
    rows: tuple[Mapping[str, Any], ...]

    @property
    def df(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def to_json(self) -> dict[str, Any]:
        return {
            "probe": self.probe,
            "dataset": self.dataset,
            "summary": dict(self.summary),
            "rows": [dict(row) for row in self.rows],
        }

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.df.to_string(index=False)}" if self.rows else self.text

    def _repr_html_(self) -> str:
        from html import escape

        from graphlab.experiment.views import table_html

        cells = [[escape(_cell(value)) for value in row.values()] for row in self.rows]
        return table_html(self.text, list(self.rows[0]) if self.rows else [], cells)


def analyze(
    probe: str,
    subject: str | Dataset | RunRecord | Runs,
    dataset: str | Dataset | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Finding:
    """Put a probe to a data set or, where the probe is about them too, to a model, on a data set if one is given, or to
    trained models.

    Args:
        subject: a data set or its name, the name of a model, or a run: its id, "latest", a record, or `Runs`.
        dataset: with a model only.
        store: the folder of runs that keeps data of one's own, by default `$GRAPHLAB_STORE`, else `./runs`.
        options: the probe's own, such as `tests` of `expressiveness`.

    Raises UnknownNameError, StoreError for a run that has not finished, ConfigError for an option that the probe does
    not have, or IncompatibleError where probe, model, run and data set do not fit, and InputError for a data set in
    memory that fails the check of data.
    """
    module = PROBES.resolve(probe).module
    found = _find(probe, module, subject, store)
    if isinstance(found, RunRecord | Runs):
        if dataset is not None:
            raise InputError("a run has its data set", hint="give the run alone")
        return module.probe_run(found, store=store, **_checked(probe, module.probe_run, options))
    if isinstance(found, ModelEntry):
        known = load(dataset, store=store) if isinstance(dataset, str) else dataset and check(dataset)
        return module.probe_model(found, known, **_checked(probe, module.probe_model, options))
    if dataset is not None:
        raise InputError(f"{found.name} is a data set already", hint="give one data set, or a model and a data set")
    return module.probe(found, **_checked(probe, module.probe, options))


def _find(
    probe: str, module: ModuleType, subject: object, store: str | os.PathLike[str] | None
) -> Dataset | ModelEntry | RunRecord | Runs:
    """What is meant: a data set before a model, and both before a run."""
    with_models, with_runs = hasattr(module, "probe_model"), hasattr(module, "probe_run")
    if isinstance(subject, Dataset):
        return check(subject)
    if isinstance(subject, RunRecord | Runs):
        if not with_runs:
            raise InputError(f"{probe} is not about runs", hint="give a data set, or the name of one")
        return subject
    if not isinstance(subject, str):
        raise InputError(f"a {type(subject).__name__} is no data set", hint="give a Dataset, or the name of one")
    try:
        return load(subject, store=store)
    except UnknownNameError:
        if not with_models and not with_runs:
            raise
    if with_models:
        try:
            return find_model(subject)
        except UnknownNameError:
            if not with_runs:
                names = [*DATASETS.names(), *MODELS.names()]
                variants = [name.partition("/")[2] for name in names if "/" in name]
                families = {*DATASETS.families, *MODELS.families}
                raise UnknownNameError("data set or model", subject, {*names, *variants}, families) from None
    try:
        return find_record(subject, store)
    except UnknownNameError:
        names = DATASETS.names()
        variants = [name.partition("/")[2] for name in names if "/" in name]
        raise UnknownNameError("data set or run", subject, {*names, *variants}, DATASETS.families) from None


def _checked(probe: str, function: Callable[..., Finding], options: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = signature(function).parameters.values()
    known = [one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY and one.name != "store"]
    for name in options:
        if name not in known:
            hint = f"it has: {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"the probe {probe} has no option {name!r} here", hint=hint)
    return options


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
