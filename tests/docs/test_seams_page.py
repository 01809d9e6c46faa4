"""What docs/SEAMS.md says runs as it stands there: its files, its snippets and its commands."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.docs.blocks import ROOT, blocks

PAGE = "docs/SEAMS.md"
BLOCKS = blocks(PAGE)
FILES = {block.mark: block.text for block in BLOCKS if block.mark}
COMMANDS = [line for block in BLOCKS if block.language == "bash" for line in block.text.splitlines()]
CONTRACTS = """
from graphlab.testing.models import contract
from graphlab.testing.transforms import TRANSFORM_CHECKS, check_step

gl.register("floyd")
for check, *case in contract("euclidean", "floyd"):
    check(*case)
for case in [("gcn", "node-classification"), ("gae", "links")]:
    for check in TRANSFORM_CHECKS:
        if check is not check_step:  # a number that is always zero does not move
            check("magnitude", {"share": 0.25}, *case)
print("kept")
"""


@pytest.fixture
def folder(own_files):
    """A working folder with the page's files."""
    for name, text in FILES.items():
        (own_files / name).write_text(text)
    return own_files


def test_every_block_is_run():
    assert list(FILES) == ["euclidean.py", "magnitude.py", "floyd.py"]
    assert {block.language for block in BLOCKS} == {"python", "bash"} and len(COMMANDS) == 3


def test_the_files_are_formatted(shell, folder):
    pytest.importorskip("ruff", reason="ruff is in the environment of make check")
    ours = f"--config {ROOT / 'pyproject.toml'} --config 'lint.isort.known-first-party=[\"graphlab\"]'"
    names = " ".join(FILES)
    shell(f"ruff format --check {ours} {names} && ruff check {ours} {names}")


@pytest.mark.slow
def test_snippets(shell, folder):
    (folder / "snippet.py").write_text(
        "".join(block.text for block in BLOCKS if block.language == "python" and not block.mark) + CONTRACTS
    )
    shown = shell("python snippet.py")
    assert "gat (magnitude)" in shown and "0.80 of the weight are zero" in shown
    assert "model.convs.0.attention 0.0 " in shown and shown.endswith("kept\n")


def test_commands(cli, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GRAPHLAB_STORE", str(folder / "runs"))
    for line in COMMANDS[:2]:
        done = cli(*shlex.split(line)[1:])
        assert done.code == 0 and done.out, f"{line}\n{done.out}\n{done.err}"
    assert "gcn (quantize)" in cli(*shlex.split(COMMANDS[0])[1:]).out


@pytest.mark.slow
def test_the_models_keep_the_contract(shell, folder):
    report = shell(f"{COMMANDS[2]} -m 'not gpu' -p no:cacheprovider", cwd=ROOT, path=folder)
    assert int(re.findall(r"(\d+) passed", report)[-1]) >= 40 and "failed" not in report, report


def test_links_lead_somewhere():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    anchors = {
        f"#{line.lstrip('# ').lower().replace(' ', '-')}" for line in text.splitlines() if line.startswith("## ")
    }
    linked = {part.partition(")")[0] for part in text.split("](")[1:] if part.startswith("#")}
    assert linked and linked == anchors
