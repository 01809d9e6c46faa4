"""What is shown while runs go on: seed, epoch, metric, time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from graphlab.records.record import RunRecord, RunSpec


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
    """One bar over the seeds and one over the epochs of the seed in hand."""

    def __init__(self, bars, specs: Sequence[RunSpec]) -> None:
        self._bars = bars
        self._name = f"{specs[0].model} on {specs[0].dataset}"
        self._metric = str(specs[0].protocol.get("metric", "loss"))
        self._seeds = bars.add_task(self._name, total=len(specs), metric="")
        self._epochs = bars.add_task("", total=None, metric="", visible=False)

    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None:
        value = row.get(f"validation_{self._metric}")
        shown = {} if value is None else {"metric": f"validation {self._metric} {value:.4f}"}
        self._bars.update(
            self._epochs, completed=epoch, total=epochs, visible=True, description=f"  seed {spec.seed}, epoch", **shown
        )

    def finished(self, record: RunRecord) -> None:
        value = record.test_value
        shown = f"test {self._metric} {value:.4f}" if value is not None else record.result.status
        self._bars.update(self._seeds, advance=1, metric=f"seed {record.seed}: {shown}")
        self._bars.reset(self._epochs, visible=False)
