"""The table of HeaRT's CiteSeer on its page is that of the stored runs."""

from __future__ import annotations

import json
from statistics import mean, stdev

from graphlab.comparison import numbers
from tests.docs.blocks import ROOT

STORED = [ROOT / "experiments" / "results" / f"heart_citeseer{name}.json" for name in ("", "_paths")]
NAMES = {"katz": "`katz`, beta .005"}
METRICS = ("mrr", "hits@10", "hits@100")


def table() -> list[str]:
    published = {
        each.model: f"{100 * each.mean:.1f}"
        for each in numbers.published("planetoid/citeseer@heart")
        if each.metric == "mrr" and each.model
    }
    lines = []
    for runs in (runs for path in STORED for runs in json.loads(path.read_text())["runs"]):
        weight = runs["specs"][0]["settings"]["model"].get("weight")
        name = NAMES.get(runs["model"], f"`{runs['model']}`" + (f", {weight}" if weight else ""))
        cells = [_cell([100 * run["test"][metric] for run in runs["runs"]]) for metric in METRICS]
        lines.append(f"| {name} | {' | '.join(cells)} | {published.get(runs['model'], '')} |")
    return lines


def _cell(values: list[float]) -> str:
    spread = stdev(values)
    return f"{mean(values):.2f}" + (f" ± {spread:.2f}" if spread else "")


def test_the_page_has_the_stored_table():
    text = (ROOT / "docs" / "LINKS.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in text


def test_claims_of_the_experiment_hold():
    claims = json.loads(STORED[0].read_text())["claims"]
    assert len(claims) == 2 and all(claim["held"] for claim in claims)
