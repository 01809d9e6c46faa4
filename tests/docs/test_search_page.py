"""What docs/SEARCH.md says of spaces: its blocks run, and its names and values are those that there are."""

from __future__ import annotations

import re
import shlex

from graphlab.nas.registry import find_space
from graphlab.nas.spaces.gnn_micro_tuned import OWN, TRAINING
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/SEARCH.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_snippet_runs(capsys):
    (python,) = [block for block in blocks(PAGE) if block.language == "python"]
    exec(compile(python.text, PAGE, "exec"), {})
    shown = capsys.readouterr().out
    assert all(name in shown for name in find_space("gnn-micro-tuned").hand_set())


def test_the_command_runs(cli):
    (bash,) = [block for block in blocks(PAGE) if block.language == "bash"]
    (line,) = bash.text.splitlines()
    assert "weight_decay" in cli(*shlex.split(line)[1:]).out


def test_hand_set_networks_are_those_that_the_page_names():
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (`.*`) \|$", TEXT, re.MULTILINE))
    assert len(rows) == 4
    for space, names in rows.items():
        assert re.findall(r"`([\w-]+)`", names) == list(find_space(space).hand_set())


def test_values_are_those_that_the_page_lists():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w., -]+) \|", TEXT, re.MULTILINE))
    assert rows == {name: ", ".join(map(str, options)) for name, options in (OWN | TRAINING).items()}
