"""What docs/DIRECTED.md shows runs as it stands there, and its tables are those of the cards and patterns."""

from __future__ import annotations

import re
import shlex

from graphlab.analysis.directedness import PATTERNS, Homophily
from graphlab.data.generators.directed_sbm import degree_rule_accuracy
from graphlab.data.registry import DATASETS, find_card
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/DIRECTED.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_page_runs(cli, tmp_path, monkeypatch, capsys):
    python = [block for block in blocks(PAGE) if block.language == "python"]
    bash = [block for block in blocks(PAGE) if block.language == "bash"]
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    exec(compile("\n".join(block.text for block in python), PAGE, "exec"), {})
    printed = capsys.readouterr().out
    assert (
        "True {'edge': 0.52" in printed
        and "label_informativeness" in printed
        and printed.count("Summary") == 6
        and "False Summary" in printed
        and "model it with the direction of its edges" in printed
    )
    outputs = [cli(*shlex.split(line)[1:]) for block in bash for line in block.text.splitlines()]
    assert [done.code for done in outputs] == [0, 0, 0, 0]
    assert "homophily" in outputs[0].out and "A'A" in outputs[1].out and "SS" not in outputs[1].out
    assert sum("model it with the direction" in done.out for done in outputs) == 1


def test_the_table_of_data_sets_is_that_of_the_cards():
    rows = re.findall(
        r"^\| `([\w/-]+)` \| ([\d,]+) \| ([\d,]+) \| (\d*) ?\| `([^`]+)`", section("Data sets"), re.MULTILINE
    )
    assert len(rows) == 17
    for name, *numbers, split in rows:
        registered = DATASETS.resolve(name)
        card = find_card(registered)
        counts = card.statistics[registered.variant]
        expected = [counts["num_nodes"], counts["num_edges"], counts.get("num_outputs", 0)]
        assert [int(number.replace(",", "") or 0) for number in numbers] == expected, name
        assert card.splits[0] == split


def test_the_page_names_all_variants():
    text = section("Data sets")
    for family in ("webkb", "wiki", "heterophilous", "citation-directed"):
        for variant in DATASETS.variants(family):
            assert f"`{family}/{variant}`" in text or f"`{variant}`" in text, variant


def test_the_page_names_patterns_measures_and_the_rule_of_degrees():
    text = section("Homophily")
    assert all(f"`{pattern}`" in text for pattern in PATTERNS)
    assert all(f"| `{key}` |" in text for key in Homophily.__dataclass_fields__ if key != "num_pairs")
    assert f"right for {100 * degree_rule_accuracy(1.0):.1f} % of nodes" in section("A dial of direction")
