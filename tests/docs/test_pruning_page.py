"""What docs/PRUNING.md says runs as it stands there, and its numbers are those of stored results."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from graphlab.model.transforms.prune import Config
from tests.docs.blocks import ROOT, blocks
from tests.docs.pruning_tables import accuracy
from tests.docs.tables import written

PAGE = "docs/PRUNING.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_speeds_are_those_of_the_benchmark():
    stored = json.loads((ROOT / "benchmarks/results/pruned_weights.json").read_text(encoding="utf-8"))
    by_density = {}
    for row in stored["comparisons"]:
        cells = [f"{row['times_faster_csr']:.2f}", f"{row['times_faster_ours']:.2f}"]
        by_density.setdefault(row["density"], []).extend(cells)
    assert by_density.keys() == {0.5, 0.1, 0.02}
    for density, cells in by_density.items():
        assert f"| {density:.0%} | {' | '.join(cells)} |".replace("%", " %") in TEXT


def test_the_table_is_that_of_the_stored_study():
    assert written(TEXT, "pruning", accuracy()) == TEXT, "python -m tests.docs.pruning_tables writes it"


def test_methods_are_all_there():
    annotation = Config.model_fields["method"].annotation
    assert get_args(annotation) and all(f"| `{method}` |" in TEXT for method in get_args(annotation))


@pytest.mark.slow
def test_the_page_runs(shell, tmp_path):
    shown = blocks(PAGE)
    assert [(block.language, block.mark) for block in shown] == [("bash", ""), ("python", ""), ("python", "")]
    for command in shown[0].text.splitlines():
        shell(command)
    for number, block in enumerate(shown[1:]):
        (tmp_path / f"snippet{number}.py").write_text(block.text)
        shell(f"python {tmp_path / f'snippet{number}.py'}")
