"""What docs/LCM.md says runs as it stands there."""

from __future__ import annotations

import torch

from tests.docs.blocks import blocks


def test_the_page_runs():
    (python,) = blocks("docs/LCM.md")
    names: dict = {}
    exec(python.text, names)
    out = names["aggregation"](names["values"], names["index"], 4)
    assert torch.equal(out, names["out"]) and out.shape == (4, 16)
    assert names["aggregation"].monoid.cell.weight_ih.grad.any()
