"""Runs: the same model, data set and settings over seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlab.records.frames import curves_frame, records_frame
from graphlab.records.record import RunRecord
from graphlab.records.statistics import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.core.plot import Plot


@dataclass(frozen=True)
class Runs:
    """What `gl.run` gives: the records of all seeds, failed ones included.

    store  where they lie, if they came from a store
    """

    records: tuple[RunRecord, ...]
    store: Path | None = field(default=None, compare=False)

    @property
    def model(self) -> str:
        return self.records[0].spec.model

    @property
    def dataset(self) -> str:
        return self.records[0].spec.dataset

    @property
    def metric(self) -> str:
        return self.records[0].result.metric

    @property
    def direction(self) -> str:
        return self.records[0].result.direction

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a seed."""
        return records_frame(self.records)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row an epoch of a seed."""
        return curves_frame(self.records)

    def summary(self) -> Summary:
        """Mean, sample standard deviation, n, failed seeds and 95 % interval of the mean of the test metric."""
        return summarise(self.records)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "dataset": self.dataset,
            "metric": self.metric,
            "direction": self.direction,
            "runs": [record.to_json() for record in self.records],
            "summary": self.summary().to_json(),
        }

    def plot(self) -> Plot:
        """Learning curves: the validation metric by epoch, the mean over seeds and each seed."""
        from graphlab.experiment.figures import learning_curves

        return learning_curves(self.records)

    def __repr__(self) -> str:
        from graphlab.experiment.views import summary_text

        return f"Runs({self.model} on {self.dataset}: {summary_text(self)})"

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import runs_html

        return runs_html(self)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.records)

    def __getitem__(self, place: int) -> RunRecord:
        """The run at a place in the order of the seeds that were asked for, which is not its seed."""
        return self.records[place]
