"""Run records as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from graphlab.records.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd


EMPTY = ("id", "model", "dataset", "seed", "status", "best_epoch", "seconds", "num_parameters", "error")
"""Columns of a table without runs, so that it can be asked like any other."""


def records_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """One row a run: names, seed, status, and the metrics as `validation/<metric>` and `test/<metric>`."""
    import pandas as pd

    rows = [_row(record) for record in records]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=EMPTY)


def curves_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """One row an epoch of a run: id, model, dataset, seed, epoch, training loss, validation metrics if evaluated."""
    import pandas as pd

    rows = [
        {"id": r.id, "model": r.spec.model, "dataset": r.spec.dataset, "seed": r.seed, **point}
        for r in records
        for point in r.curve
    ]
    return pd.DataFrame(rows)


def _row(record: RunRecord) -> dict[str, Any]:
    spec, result = record.spec, record.result
    return {
        "id": record.id,
        "model": spec.model,
        "dataset": spec.dataset,
        "seed": spec.seed,
        "status": result.status,
        **({"kind": spec.kind} if spec.kind != "run" else {}),
        **spec.components,
        "best_epoch": result.best_epoch,
        **{f"validation/{k}": v for k, v in result.validation.items()},
        **{f"test/{k}": v for k, v in result.test.items()},
        "seconds": record.seconds,
        "num_parameters": result.num_parameters,
        "error": result.error["message"] if result.error else None,
    }
