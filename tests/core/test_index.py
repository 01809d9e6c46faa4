"""The index: read where nothing has changed, made again where anything has, and never in anybody's way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
from graphlab.core import index

index.PACKAGE = Path(sys.argv[1])
keys_made = []

def make(key):
    keys_made.append(key)
    return {"key": key, "text": (index.PACKAGE / "inner" / "a.txt").read_text()}

print(json.dumps([index.entry("things", "a", make, lambda: ["a", "b"])["text"], keys_made]))
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "inner").mkdir(parents=True)
    write(folder, "one")
    return folder


def write(package, text, at=None):
    path = package / "inner" / "a.txt"
    path.write_text(text)
    if at is not None:
        os.utime(path, ns=(at, at))
    time.sleep(0.05)  # what is younger than a process is not kept by it


@pytest.fixture
def ask(package, tmp_path):
    """The text of entry `a` as a fresh process has it, and which entries that process has made for it."""

    def run(program=PROGRAM, **variables):
        env = {**os.environ, "GRAPHLAB_DATA": str(tmp_path / "data"), **variables}
        done = subprocess.run(
            [sys.executable, "-c", program, str(package)], env=env, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    return run


def sections(tmp_path):
    return sorted((tmp_path / "data" / "index").glob("*/*.json"))


def test_what_one_process_makes_the_next_reads(ask, tmp_path):
    assert ask() == ["one", ["a", "b"]]
    assert ask() == ["one", []]
    assert [path.name for path in sections(tmp_path)] == ["things.json"]


def test_an_edit_makes_it_anew_though_size_and_time_are_the_same(ask, package):
    at = (package / "inner" / "a.txt").stat().st_mtime_ns
    ask()
    write(package, "two", at)
    assert ask() == ["two", ["a", "b"]]
    write(package, "one", at)
    assert ask() == ["one", []], "the index of the earlier text is still there"


@pytest.mark.parametrize("change", ["add", "rename"])
def test_a_file_that_comes_or_goes_makes_it_anew(ask, package, change):
    ask()
    other = package / "inner" / "b.txt"
    if change == "add":
        other.write_text("")
    else:
        (package / "inner" / "c.txt").write_text("")
        ask()
        (package / "inner" / "c.txt").rename(other)
    time.sleep(0.05)
    assert ask() == ["one", ["a", "b"]]
    assert ask() == ["one", []]


def test_a_damaged_section_is_made_again(ask, tmp_path):
    ask()
    (path,) = sections(tmp_path)
    for damage in ("", "{", "[1]", '{"digest": "0", "value": {"a": {"text": "three"}}}', "\xff"):
        path.write_text(damage, encoding="latin-1")
        assert ask() == ["one", ["a", "b"]]
    assert ask() == ["one", []]


def test_a_section_under_another_name_is_not_read(ask, tmp_path):
    ask()
    (path,) = sections(tmp_path)
    path.rename(path.with_name("others.json"))
    assert ask(PROGRAM.replace('"things"', '"others"')) == ["one", ["a", "b"]]


def test_where_nothing_can_be_written_it_is_made_each_time(ask, tmp_path):
    (tmp_path / "data").write_text("a file, in which no folder can be made")
    assert ask() == ask() == ["one", ["a", "b"]]


def test_a_file_that_changes_meanwhile_is_not_kept(ask, tmp_path):
    writing = PROGRAM.replace("keys_made.append(key)", 'keys_made.append(key); (index.PACKAGE / "new.txt").touch()')
    assert ask(writing)[1] == ["a", "b"]
    assert not sections(tmp_path)


def test_a_file_that_changed_before_the_first_question_is_not_kept(ask, tmp_path):
    """The process may have imported the module as it was before."""
    writing = PROGRAM.replace("keys_made = []", 'keys_made = []; (index.PACKAGE / "new.txt").touch()')
    assert ask(writing)[1] == ["a", "b"]
    assert not sections(tmp_path)


@pytest.mark.parametrize("offer", ["variable", "entry point"])
def test_with_modules_of_other_packages_nothing_is_read_or_kept(ask, tmp_path, offer):
    ask()
    if offer == "variable":
        variables = {"GRAPHLAB_PLUGINS": "graphlab.models:mine=mine"}
    else:
        about = tmp_path / "site" / "mine-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[graphlab.models]\nmine = mine\n")
        variables = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])}
    before = sections(tmp_path)
    assert ask(**variables) == ["one", ["a"]]
    assert sections(tmp_path) == before


def test_another_installed_version_makes_it_anew(ask, tmp_path):
    ask()
    (tmp_path / "site" / "torch-0.1.dist-info").mkdir(parents=True)
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    assert ask(PYTHONPATH=path) == ["one", ["a", "b"]]


def test_a_process_with_torch_reads_modules(ask):
    """A module of that name stands for torch: what counts is whether a process has imported it."""
    ask()
    assert ask(f"import sys; sys.modules['torch'] = sys\n{PROGRAM}") == ["one", ["a"]]


def test_an_entry_that_cannot_be_made_is_no_obstacle_to_others(ask, tmp_path):
    failing = PROGRAM.replace("keys_made.append(key)", "keys_made.append(key) if key == 'a' else 1 / 0")
    assert ask(failing) == ["one", ["a", "a"]]
    assert not sections(tmp_path)


@pytest.mark.slow
def test_processes_at_once_agree(ask, package, tmp_path):
    env = {**os.environ, "GRAPHLAB_DATA": str(tmp_path / "data")}
    words = [sys.executable, "-c", PROGRAM, str(package)]
    started = [subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert all(json.loads(each.communicate()[0])[0] == "one" for each in started)
    assert ask() == ["one", []]
    assert len(sections(tmp_path)) == 1


@pytest.mark.slow
def test_old_indexes_are_deleted(ask, package, tmp_path):
    for number in range(6):
        write(package, f"text {number}")
        ask()
    assert len(sections(tmp_path)) == 4
    assert ask() == ["text 5", []]
