"""What is shown while runs go on: seed, epoch, metric, time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from graphlab.records.record import RunRecord, RunSpec

if TYPE_CHECKING:
    from rich.progress import Progress


class Reporter(Protocol):
    """Told of each epoch and of each run's end."""

    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None: ...

    def finished(self, record: RunRecord) -> None: ...


class Silent:
    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None:
        pass

    def finished(self, record: RunRecord) -> None:
        pass


@contextmanager
def reporter(show: bool | None, specs: Sequence[RunSpec]) -> Iterator[Reporter]:
    """A reporter for these runs; `show` None shows on a terminal and in a notebook, on standard error."""
    if show is False or (show is None and not (sys.stderr.isatty() or "ipykernel" in sys.modules)):
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[metric]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars, specs)


class _Bars:
    """One bar over the runs and one over the epochs of the run in hand."""

    def __init__(self, bars: Progress, specs: Sequence[RunSpec]) -> None:
        self._bars = bars
        self._runs = bars.add_task("runs", total=len(specs), metric="")
        self._epochs = bars.add_task("", total=None, metric="", visible=False)
        self._last = ""

    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None:
        metric = spec.protocol.get("metric")
        if f"validation_{metric}" in row:
            self._last = f"validation {metric} {row[f'validation_{metric}']:.4f}"
        name = f"{spec.model} on {spec.dataset}, seed {spec.seed}, epoch"
        self._bars.update(
            self._epochs, completed=epoch, total=epochs, visible=True, description=name, metric=self._last
        )

    def finished(self, record: RunRecord) -> None:
        value = record.test_value
        outcome = f"test {record.result.metric} {value:.4f}" if value is not None else record.result.status
        shown = f"{record.spec.model} on {record.spec.dataset}, seed {record.seed}: {outcome}"
        self._bars.update(self._runs, advance=1, metric=shown)
        self._bars.reset(self._epochs, visible=False)
        self._last = ""
