"""What docs/QUANTIZATION.md says runs as it stands there, and its numbers are those of stored results."""

from __future__ import annotations

import json

import pytest

from graphlab.quantization.assignment import COMPONENTS, SCHEMES, Assignment
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/QUANTIZATION.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def stored(path: str):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def test_accuracies_are_those_of_stored_runs():
    paths = [f"experiments/results/quantized_{name}.json" for name in ("gcn", "a2q")]
    for run in (run for path in paths for run in stored(path)["runs"]):
        summary = run["summary"]
        assert f"{100 * summary['mean']:.1f} ± {100 * summary['std']:.1f} ({summary['n']})" in TEXT
    others = [run["summary"]["mean"] for run in stored("experiments/results/quantized_others.json")["runs"]]
    assert " / ".join(f"{value:.3f}" for value in others[:3]) in TEXT
    for values in (others[3:6], others[6:]):
        assert " / ".join(f"{100 * value:.1f}" for value in values) in TEXT


@pytest.mark.parametrize("model", ["gcn", "sage"])
def test_times_are_those_of_the_benchmark(model):
    largest = stored("benchmarks/results/integer_networks.json")[model][-1]
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{model}` |"))
    assert largest["nodes"] == 200_000
    for arm in ("ours", "csr"):
        assert f"{largest['milliseconds'][arm]:.0f} ms: {largest['times integers'][arm]:.2f} times" in row


def test_schemes_and_components_are_all_there():
    for scheme in ("w4a8", *SCHEMES):
        rules = ",".join(str(rule) for rule in Assignment.parse(scheme).rules)
        assert rules in TEXT
    assert all(f"`{component}`" in TEXT for component in COMPONENTS)


@pytest.mark.slow
def test_the_page_runs(shell, tmp_path):
    found = blocks(PAGE)
    assert [(block.language, block.mark) for block in found] == [("bash", ""), ("python", ""), ("python", "not-run")]
    (tmp_path / "snippet.py").write_text(found[1].text)
    assert "torch.Size([400, 2])" in shell(f"python {tmp_path / 'snippet.py'}")
    for command in found[0].text.splitlines():
        shell(command)
