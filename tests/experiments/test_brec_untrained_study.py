"""The study of untrained networks on BREC: what is stored is what its page says, and within the bounds of the tests."""

from __future__ import annotations

import json

from graphlab.analysis.expressiveness.untrained import MARGIN, ROUNDING
from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = ROOT / "experiments" / "results" / "studies" / "brec_untrained.json"


def test_what_is_stored():
    study = load_experiment("brec_untrained")
    entries = {entry["network"]: entry for entry in json.loads(STORED.read_text())}
    assert set(entries) == set(study.NETWORKS)
    for name, entry in entries.items():
        settings, _, copies = study.NETWORKS[name]
        assert (entry["settings"], entry["copies"]) == (settings, copies)
        assert entry["test"] == f"FWL({settings['order']})"
        for pair in entry["pairs"]:
            assert pair["separated"] == pair["separable"] == (pair["gap"] > MARGIN * pair["noise"])
            assert pair["noise"] >= ROUNDING
    tables = {name: {row["category"]: row for row in entry["table"]} for name, entry in entries.items()}
    total, triples = tables["pairs"]["total"], tables["triples"]["StronglyRegular"]
    assert (total["pairs"], total["separated"], total["ceiling"], total["beyond"]) == (400, 270, 270, 0)
    assert tables["pairs"]["CFI"]["separated"] == 60 and (triples["pairs"], triples["separated"]) == (50, 50)


def test_the_page_has_its_figures():
    page = (ROOT / "docs" / "FLOYDNET.md").read_text(encoding="utf-8")
    pairs = next(entry for entry in json.loads(STORED.read_text()) if entry["network"] == "pairs")
    ratios = [(pair["gap"] / pair["noise"], pair["separated"]) for pair in pairs["pairs"]]
    assert min(ratio for ratio, separated in ratios if separated) > 3000 and "3,000 times" in page
    assert max(ratio for ratio, separated in ratios if not separated) < 1
    assert "| all | 400 | 270 | 270 | |" in page
