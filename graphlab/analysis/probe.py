"""Probes: what a data set or a model is found to be, one file each in `graphlab/analysis/probes/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from graphlab.core.errors import ConfigError
from graphlab.core.registry import Registry
from graphlab.data.dataset import Dataset
from graphlab.data.load import load

if TYPE_CHECKING:
    import pandas as pd

PROBES = Registry("probe", "graphlab.analysis.probes", "graphlab.probes", lambda module: ())


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


def analyze(probe: str, dataset: str | Dataset, **options: Any) -> Finding:
    """Put a probe to a data set. Options are the probe's own, such as `tests` of `expressiveness`.

    Raises UnknownNameError, ConfigError for an option that the probe does not have, or IncompatibleError where probe
    and data set do not fit.
    """
    function = PROBES.resolve(probe).module.probe
    known = list(signature(function).parameters)[1:]
    for name in options:
        if name not in known:
            hint = f"it has: {', '.join(known)}" if known else "it has none"
            raise ConfigError(f"the probe {probe} has no option {name!r}", hint=hint)
    return function(dataset if isinstance(dataset, Dataset) else load(dataset), **options)


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
