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
    code   digest of the code that would run now; runs that were there may have been made by other code
    """

    records: tuple[RunRecord, ...]
    store: Path | None = field(default=None, compare=False)
    code: str = field(default="", compare=False)

    @property
    def model(self) -> str:
        return self.records[0].spec.model

    @property
    def title(self) -> str:
        """The model's name, with those of the pre-transform and the transform where there are any."""
        return self.records[0].spec.title

    @property
    def dataset(self) -> str:
        return self.records[0].spec.dataset

    @property
    def metric(self) -> str:
        return self.records[0].result.metric

    @property
    def direction(self) -> str:
        return self.records[0].result.direction

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be known of these runs beside their numbers, a sentence each."""
        notices = dict.fromkeys(notice for record in self.records for notice in record.notices)
        others = sum(bool(self.code and record.code and record.code != self.code) for record in self.records)
        if others:
            text = f"{others} of {len(self.records)} runs were made by other code of the same versions"
            notices[f"{text}; results are held to be equal by tests"] = None
        return tuple(notices)

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
            **self.records[0].spec.components,
            "dataset": self.dataset,
            "metric": self.metric,
            "direction": self.direction,
            "runs": [record.to_json() for record in self.records],
            "summary": self.summary().to_json(),
            **({"notices": list(self.notices)} if self.notices else {}),
        }

    def plot(self) -> Plot:
        """Learning curves: the validation metric by epoch, the mean over seeds and each seed."""
        from graphlab.experiment.figures import learning_curves

        return learning_curves(self.records)

    def __repr__(self) -> str:
        from graphlab.experiment.views import summary_text

        notices = "".join(f"\n  notice: {notice}" for notice in self.notices)
        return f"Runs({self.title} on {self.dataset}: {summary_text(self)}){notices}"

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
