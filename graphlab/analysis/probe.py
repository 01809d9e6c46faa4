"""Probes: what a data set or a model is found to be, one file each in `graphlab/analysis/probes/`.

A file has a function `probe(dataset, *, options)` and, where it has something to say of models, also
`probe_model(model, dataset, *, options)` of a ModelEntry and a Dataset or None. Both give a Finding.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from graphlab.analysis.registry import PROBES
from graphlab.core.errors import ConfigError, InputError, UnknownNameError
from graphlab.data.check import check
from graphlab.data.dataset import Dataset
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.model.registry import MODELS, ModelEntry, find_model

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
    subject: str | Dataset,
    dataset: str | Dataset | None = None,
    *,
    store: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Finding:
    """Put a probe to a data set or, where the probe is about models too, to a model, on a data set if one is given.

    Args:
        subject: a data set or its name, or the name of a model.
        dataset: with a model only.
        store: the folder of runs that keeps data of one's own, by default `$GRAPHLAB_STORE`, else `./runs`.
        options: the probe's own, such as `tests` of `expressiveness`.

    Raises UnknownNameError, ConfigError for an option that the probe does not have, or IncompatibleError where probe,
    model and data set do not fit, and InputError for a data set in memory that fails the check of data.
    """
    module = PROBES.resolve(probe).module
    found = _find(subject, hasattr(module, "probe_model"), store)
    if isinstance(found, ModelEntry):
        known = load(dataset, store=store) if isinstance(dataset, str) else dataset and check(dataset)
        return module.probe_model(found, known, **_checked(probe, module.probe_model, options))
    if dataset is not None:
        raise InputError(f"{found.name} is a data set already", hint="give one data set, or a model and a data set")
    return module.probe(found, **_checked(probe, module.probe, options))


def _find(subject: str | Dataset, with_models: bool, store: str | os.PathLike[str] | None) -> Dataset | ModelEntry:
    if isinstance(subject, Dataset):
        return check(subject)
    if not isinstance(subject, str):
        raise InputError(f"a {type(subject).__name__} is no data set", hint="give a Dataset, or the name of one")
    try:
        return load(subject, store=store)
    except UnknownNameError:
        if not with_models:
            raise
    try:
        return find_model(subject)
    except UnknownNameError:
        names = [*DATASETS.names(), *MODELS.names()]
        variants = [name.partition("/")[2] for name in names if "/" in name]
        families = {*DATASETS.families, *MODELS.families}
        raise UnknownNameError("data set or model", subject, {*names, *variants}, families) from None


def _checked(probe: str, function: Callable[..., Finding], options: Mapping[str, Any]) -> Mapping[str, Any]:
    known = [name for name, one in signature(function).parameters.items() if one.kind is Parameter.KEYWORD_ONLY]
    for name in options:
        if name not in known:
            hint = f"it has: {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"the probe {probe} has no option {name!r} here", hint=hint)
    return options


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
