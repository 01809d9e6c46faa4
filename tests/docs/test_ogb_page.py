"""What docs/OGB.md says runs as it stands there, and its table is that of the cards and of ogb's evaluators."""

from __future__ import annotations

import re

from graphlab.data.adapters import ogbl, ogbn
from graphlab.task.ogb_evaluator import LINKS
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/OGB.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_page_runs(shell, tmp_path):
    assert [(block.language, block.mark) for block in blocks(PAGE)] == [("bash", "not-run"), ("python", "")]
    (tmp_path / "snippet.py").write_text(blocks(PAGE)[1].text)
    shown = shell(f"python {tmp_path / 'snippet.py'}")
    assert re.search(r"\{.*'hits@20': [\d.]+.*\} True$", shown.strip()), shown


def test_the_table_is_that_of_the_cards():
    rows = re.findall(r"^\| `(ogb[ln])/(\w+)` \| ([\d,]+) \| ([\d,]+) \| [^|]* \| ([^|]*) \|$", TEXT, re.MULTILINE)
    assert [f"{family}/{variant}" for family, variant, *_ in rows] == [
        *(f"ogbl/{variant}" for variant in ogbl.COUNTS),
        *(f"ogbn/{variant}" for variant in ogbn.COUNTS),
    ]
    for family, variant, nodes, links, metric in rows:
        if family == "ogbl":
            counts = ogbl.COUNTS[variant]
            total = counts["num_train"] + counts["num_validation_links"] + counts["num_test_links"]
            assert metric == LINKS[ogbl.LAYOUTS[variant].name]
        else:
            counts = ogbn.COUNTS[variant]
            total = counts["num_edges"] // (1 if variant in ogbn.DIRECTED else 2)
            assert metric == "accuracy"
        assert (nodes, links) == (f"{counts['num_nodes']:,}", f"{total:,}")
