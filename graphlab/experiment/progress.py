"""What is shown while runs go on: seed, epoch, metric, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from graphlab.records.record import RunRecord, RunSpec

if TYPE_CHECKING:
    from rich.progress import Progress

LINE_SECONDS = 0.2
"""Time between two changes of the line in a notebook; what is over sooner shows none."""


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
def counted(what: str, total: int, show: bool | None) -> Iterator[Callable[[int, str], None]]:
    """A bar of things that are done one by one, on standard error; its function takes how many are, and a note. `show`
    None shows it on a terminal."""
    if show is False or (show is None and not sys.stderr.isatty()):
        yield lambda done, note: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=total, note="")
        yield lambda done, note: bars.update(task, completed=done, note=note)


@contextmanager
def reporter(show: bool | None, specs: Sequence[RunSpec]) -> Iterator[Reporter]:
    """A reporter for these runs; `show` None shows on a terminal, on standard error, and in a notebook."""
    notebook = _in_notebook()
    if show is False or (show is None and not (notebook or sys.stderr.isatty())):
        yield Silent()
        return
    if notebook:
        line = _Line(specs)
        try:
            yield line
        finally:
            line.clear()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=12),
        MofNCompleteColumn(table_column=Column(min_width=7)),
        TimeRemainingColumn(compact=True, table_column=Column(min_width=5)),
        TextColumn("{task.fields[metric]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars, specs)


def _selection(spec: RunSpec, row: dict[str, float]) -> Iterator[str]:
    """The selecting metric, if this epoch was evaluated."""
    metric = spec.protocol.get("metric")
    if f"validation_{metric}" in row:
        yield f"validation {metric} {row[f'validation_{metric}']:.4f}"


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _Line:
    """One line under a notebook's cell, changed in place and empty at the end. Needs no widgets."""

    def __init__(self, specs: Sequence[RunSpec]) -> None:
        self._total, self._done, self._skipped = len(specs), 0, 0
        self._worked = False
        self._handle: Any = None
        self._started = self._shown = time.monotonic()

    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None:
        self._worked = True
        now = time.monotonic()
        if now - self._shown < LINE_SECONDS:
            return
        self._shown = now
        ours = self._done - self._skipped + epoch / epochs
        left = (now - self._started) * (self._total - self._done - epoch / epochs) / ours
        parts = [
            f"{self._done} of {self._total} runs done",
            f"{_name(spec)}, seed {spec.seed}, epoch {epoch} of {epochs}",
            *_selection(spec, row),
        ]
        self._show(", ".join([*parts, f"about {left:.0f} s left"]))

    def finished(self, record: RunRecord) -> None:
        self._done += 1
        self._skipped += not self._worked
        self._worked = False

    def clear(self) -> None:
        if self._handle is not None:
            self._show("")

    def _show(self, text: str) -> None:
        from IPython.display import display

        bundle = {"text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class _Bars:
    """One bar over the runs and, below it, one over the epochs of the run in hand, each with its time left."""

    def __init__(self, bars: Progress, specs: Sequence[RunSpec]) -> None:
        self._bars = bars
        self._runs = bars.add_task(_name(specs[0]), total=len(specs), metric="")
        self._epochs = bars.add_task("", total=None, metric="", visible=False)
        self._last = ""

    def epoch(self, spec: RunSpec, epoch: int, epochs: int, row: dict[str, float]) -> None:
        self._last = next(_selection(spec, row), self._last)
        self._bars.update(self._runs, description=_name(spec))
        self._bars.update(
            self._epochs,
            completed=epoch,
            total=epochs,
            visible=True,
            description=f"seed {spec.seed}, epoch",
            metric=self._last,
        )

    def finished(self, record: RunRecord) -> None:
        value = record.test_value
        outcome = f"test {value:.4f}" if value is not None else record.result.status
        self._bars.update(self._runs, advance=1, metric=f"seed {record.seed}: {outcome}")
        self._bars.reset(self._epochs, visible=False)
        self._last = ""


def _name(spec: RunSpec) -> str:
    return f"{spec.title} on {spec.dataset}"
