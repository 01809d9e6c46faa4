"""What docs/TOURS.md says runs as it stands there, and its defaults are those of the code."""

from __future__ import annotations

import inspect
from configparser import ConfigParser
from typing import Any

from graphlab.tours import diffusion, exact, instances
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/TOURS.md"


def test_the_page_runs(capsys):
    heuristics, network = blocks(PAGE)
    exec(compile(heuristics.text, PAGE, "exec"), {})
    shown = capsys.readouterr().out
    assert "valid=100.0" in shown and "proved=100.0" in shown
    names: dict[str, Any] = {}
    exec(compile(network.text, PAGE, "exec"), names)
    shown = capsys.readouterr().out
    assert sorted(map(int, shown.strip("[]\n").split())) == list(range(12))


def test_the_defaults_are_those_of_the_code():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    weights = inspect.signature(instances.draw_weights).parameters
    assert f"low={weights['low'].default}, high={weights['high'].default}" in text
    assert exact.PROOF_TOLERANCE == 1e-6 and instances.MEMORY_LIMIT == 2 * 2**30
    assert (diffusion.START, diffusion.END, diffusion.NUM_STEPS, diffusion.STRIDE) == (-4, 4, 10_000, 200)
    assert len(diffusion.sampling_times()) == 50 + 1


def test_the_extra_installs_the_solver():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options.extras_require"]["tours"].split() == ["elkai>=2.0"]
