"""What docs/PAGERANK.md says runs as it stands there, and its tables name what there is."""

from __future__ import annotations

import json
import re

import graphlab.ops.personalised_pagerank as package
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/PAGERANK.md"


def test_the_page_runs(shell, tmp_path):
    (python,) = blocks(PAGE)
    assert python.language == "python"
    (tmp_path / "snippet.py").write_text(python.text)
    *_, last = shell(f"python {tmp_path / 'snippet.py'}").split()
    assert last == "True"


def test_the_page_names_all_files_and_engines():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    folder = ROOT / "graphlab/ops/personalised_pagerank"
    assert set(re.findall(r"`(\w+\.py)`", text)) == {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    engines = set(
        re.findall(r"^\| (`[^|]+) \|", text.partition("## Which engine")[2].partition("## What")[0], re.MULTILINE)
    )
    names = {name for cell in engines for name in re.findall(r"`(\w+)`", cell)}
    assert names and names <= set(package.__all__)


def test_the_table_has_the_stored_numbers():
    stored = json.loads((ROOT / "benchmarks/results/pagerank.json").read_text(encoding="utf-8"))
    expected = []
    for graph, of_graph in stored["graphs"].items():
        for target, measured in of_graph["targets"].items():
            times = measured["milliseconds a source"]["processor"]
            expected.append(
                [graph, target, *(str(times.get(side, "-")) for side in ("ours", "diteration", "piteration"))]
            )
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:random|power-law) \|.*) \|$", text, re.MULTILINE)
    assert [row.split(" | ") for row in rows] == expected
