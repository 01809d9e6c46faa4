"""What docs/SEARCH.md says: its blocks run, and its names, values and tables are those that there are."""

from __future__ import annotations

import re
import shlex

import pytest

from graphlab.nas.core.race import RaceConfig
from graphlab.nas.registry import find_space
from graphlab.nas.spaces.gnn_micro_tuned import OWN, TRAINING
from tests.docs.blocks import ROOT, blocks
from tests.docs.search_tables import TABLES
from tests.docs.tables import written

PAGE = "docs/SEARCH.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def texts(language):
    return [block.text for block in blocks(PAGE) if block.language == language]


def test_hand_set_networks_are_shown(capsys):
    exec(compile(texts("python")[1], PAGE, "exec"), {})
    shown = capsys.readouterr().out
    assert all(name in shown for name in find_space("gnn-micro-tuned").hand_set())


@pytest.mark.slow
def test_a_search_races_and_reports(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path))
    assert texts("python")[0].count("total_epochs=3000") == 1
    exec(compile(texts("python")[0].replace("total_epochs=3000", "total_epochs=1500"), PAGE, "exec"), {})
    shown = capsys.readouterr().out
    assert "expect between" in shown and "the mean over" in shown


def test_the_commands_run(cli, tmp_path):
    report, describe, front, growth = (text.strip() for text in texts("bash"))
    assert "random search" in cli(*shlex.split(report)[1:], "--store", tmp_path).out
    assert "weight_decay" in cli(*shlex.split(describe)[1:]).out
    assert "weight_format_1" in cli(*shlex.split(front)[1:], "--store", tmp_path).out
    assert "eas on karate, space elastic-sage" in cli(*shlex.split(growth)[1:], "--store", tmp_path).out


def test_a_network_is_cut_out(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path))
    exec(compile(texts("python")[2], PAGE, "exec"), {})
    shown = capsys.readouterr().out
    assert "gnn-micro (cut out of a supernet)" in shown and "'study': 'elastic-karate-" in shown


def test_hand_set_networks_are_those_that_the_page_names():
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (`.*`) \|$", TEXT, re.MULTILINE))
    assert len(rows) == 7
    for space, names in rows.items():
        assert re.findall(r"`([\w-]+)`", names) == list(find_space(space).hand_set())


def test_values_are_those_that_the_page_lists():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w., -]+) \|", TEXT, re.MULTILINE))
    assert rows == {name: ", ".join(map(str, options)) for name, options in (OWN | TRAINING).items()}


def test_settings_of_a_race_are_those_that_the_page_lists():
    rows = dict(re.findall(r"^\| `race\.(\w+)` \| ([\w.]+) \|", TEXT, re.MULTILINE))
    config = RaceConfig().to_json()
    assert rows == {name: str(value) for name, value in config.items() if name != "ladder"}


@pytest.mark.parametrize("mark", sorted(TABLES))
def test_tables_are_those_of_stored_studies(mark):
    assert written(TEXT, mark, TABLES[mark]()) == TEXT, "python -m tests.docs.search_tables writes them"
