"""Stored results of experiments: the JSON of `graphlab reproduce --json`, read back as runs and judged anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphlab.comparison.compare import Row
from graphlab.comparison.rows import leaderboard_rows
from graphlab.core.errors import DataError
from graphlab.experiment.runs import Runs
from graphlab.records.record import Result, RunRecord, RunSpec


def runs_json(runs: Runs) -> dict[str, Any]:
    """Runs as a file of results has them: with the spec of each, from which its id follows."""
    return {**runs.to_json(), "specs": [record.spec.to_json() for record in runs.records]}


def read_results(path: Path) -> tuple[Runs, ...]:
    """The runs of a file of results.

    Raises:
        DataError: The file is no such thing, or the id of a run is not that of its spec.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return tuple(Runs(_records(runs, path)) for runs in content["runs"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} does not hold results: {error}", hint="graphlab reproduce --json writes them"
        ) from error


def stored_leaderboards(runs: Sequence[Runs]) -> dict[str, list[Row]]:
    """The leaderboard of each data set of these runs, with the verdicts of this version."""
    records = [record for group in runs for record in group.records]
    return {name: leaderboard_rows(name, records) for name in dict.fromkeys(r.spec.dataset for r in records)}


def _records(runs: Mapping[str, Any], path: Path) -> tuple[RunRecord, ...]:
    records = []
    for values, stored in zip(runs["runs"], runs["specs"], strict=True):
        spec = RunSpec.from_json(stored)
        if spec.id != values["id"]:
            raise DataError(f"{path}: run {values['id']} has the spec of run {spec.id}", hint="restore the file")
        result = Result.from_json({"epochs": 0, **values, "metric": runs["metric"], "direction": runs["direction"]})
        records.append(RunRecord(spec, result, values["seconds"]))
    return tuple(records)
