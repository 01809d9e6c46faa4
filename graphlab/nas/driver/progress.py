"""What is shown while a search goes on: how many of its trials are done, and the best so far."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from graphlab.nas.driver.explorer import OnOutcome
from graphlab.nas.driver.ledger import Outcome
from graphlab.nas.plan import Plan


@contextmanager
def progress_bar(plan: Plan, show: bool | None) -> Iterator[OnOutcome]:
    """A bar on standard error; `show` None shows it on a terminal."""
    if show is False or (show is None and not sys.stderr.isatty()):
        yield lambda outcome, number: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[best]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        name = plan.objective.names[0]
        task = bars.add_task(f"{plan.asked.strategy} on {plan.asked.dataset}", total=plan.asked.trials, best="")
        best: Outcome | None = None

        def on_outcome(outcome: Outcome, number: int) -> None:
            nonlocal best
            if outcome.score is not None and (best is None or outcome.score > (best.score or 0.0)):
                best = outcome
            said = f"best {name} {best.objectives[0]:.4f}" if best else ""
            bars.update(task, completed=number, best=said)

        def on_work(what: str, done: int, count: int) -> None:
            bars.update(task, best=f"{what} {done} of {count}")

        plan.objective.on_work = on_work
        yield on_outcome
