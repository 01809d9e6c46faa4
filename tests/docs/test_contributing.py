"""The worked examples of CONTRIBUTING.md, written out as they stand and run from a package of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks

PAGE = "CONTRIBUTING.md"
MODEL, DATASET, STRATEGY, SPACE = "ppnp", "caveman", "annealing", "propagation"
BLOCKS = blocks(PAGE)
FILES = {block.mark: block.text for block in BLOCKS if block.mark and block.mark != "not-run"}
COMMANDS = [
    line
    for block in BLOCKS
    if block.language == "bash" and not block.mark
    for line in block.text.splitlines()
    if not line.startswith("#")
]


def command(start: str) -> str:
    """The page's command that starts so."""
    (found,) = (line for line in COMMANDS if line.startswith(start))
    return found


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the page's files as the installed package `my_package`."""
    site = tmp_path / "site"
    (site / "my_package").mkdir(parents=True)
    (site / "my_package" / "__init__.py").touch()
    for name in (MODEL, DATASET, STRATEGY, SPACE):
        (site / "my_package" / f"{name}.py").write_text(FILES[f"{name}.py"])
    about = site / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(entry_points())
    return site


def entry_points() -> str:
    """The page's pyproject sections in the form that an installed package has them."""
    (toml,) = (block.text for block in BLOCKS if block.language == "toml")
    sections = re.sub(r'\[project\.entry-points\."(.*)"\]', r"[\1]", toml)
    return sections.replace('"', "")


def passed(report: str) -> int:
    """How many tests passed, where none was skipped."""
    assert "skipped" not in report and "failed" not in report, report
    return int(re.findall(r"(\d+) passed", report)[-1])


def test_the_examples_are_not_in_graphlab_already():
    assert not (ROOT / "graphlab" / "model" / "zoo" / f"{MODEL}.py").exists()
    assert not (ROOT / "graphlab" / "data" / "adapters" / f"{DATASET}.py").exists()
    assert not (ROOT / "graphlab" / "nas" / "strategies" / f"{STRATEGY}.py").exists()
    assert not (ROOT / "graphlab" / "nas" / "spaces" / f"{SPACE}.py").exists()


def test_every_command_is_known_here():
    assert len(COMMANDS) == 6, COMMANDS


def test_the_files_are_formatted(shell, package):
    pytest.importorskip("ruff", reason="ruff is in the environment of make check")
    ours = f"--config {ROOT / 'pyproject.toml'} --config 'lint.isort.known-first-party=[\"graphlab\"]' {package}"
    shell(f"ruff format --check {ours} && ruff check {ours}")


@pytest.mark.slow
def test_model_keeps_the_contract(shell, package):
    words = f"{command('python -m pytest tests/model')} -m 'not gpu' -p no:cacheprovider"
    assert passed(shell(words, cwd=ROOT, path=package)) >= 27


@pytest.mark.slow
def test_dataset_keeps_the_contract(shell, package):
    words = f"{command('python -m pytest tests/data')} -p no:cacheprovider"
    assert passed(shell(words, cwd=ROOT, path=package)) == 1


@pytest.mark.slow
def test_strategy_and_space_keep_the_contract(shell, package):
    words = f"{command('python -m pytest tests/nas')} -p no:cacheprovider"
    assert passed(shell(words, cwd=ROOT, path=package)) == 15


@pytest.mark.slow
def test_search(shell, package):
    found = json.loads(shell(command("graphlab search"), path=package))
    assert found["strategy"] == STRATEGY and found["trials"] == 6


@pytest.mark.slow
def test_contract_in_the_tests_of_the_package(shell, package, tmp_path):
    (tmp_path / "test_my_package.py").write_text(FILES["test_my_package.py"])
    assert passed(shell("python -m pytest -p no:cacheprovider test_my_package.py", path=package)) >= 28


@pytest.mark.slow
def test_run_and_reproduce(shell, package, tmp_path):
    run = json.loads(shell(command("graphlab run"), path=package))
    assert (run["model"], run["dataset"], run["summary"]["n"]) == (MODEL, DATASET, 2)
    (tmp_path / "caves.yaml").write_text(FILES["caves.yaml"])
    words = command("graphlab reproduce")
    comparison = json.loads(shell(f"{words} --json", path=package))
    assert comparison["ok"] is True
    assert len(comparison["claims"]) == 4 and len(comparison["refusals"]) == 1
    assert (tmp_path / "caves.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_lists_have_what_the_package_brings(shell, package):
    """In one process, of which the imports are most."""
    lists = ("models", "datasets", "strategies", "spaces")
    program = "import graphlab as gl\n" + "\n".join(f"print(*gl.{name}()['name'])" for name in lists)
    listed = shell(f'python -c "{program}"', path=package).splitlines()
    for names, name in zip(listed, (MODEL, DATASET, STRATEGY, SPACE), strict=True):
        assert name in names.split()


BROKEN_MODELS = {
    "permutation": ("return self.propagate(predicted,", "return self.propagate(predicted.cumsum(0),"),
    "gradients": ("self.second(F.dropout(hidden,", "self.second(F.dropout(hidden.detach(),"),
    "isolation": ("return self.propagate(predicted,", "return self.propagate(predicted - predicted.mean(0),"),
    "registration": ("= 0.1\n", "= 0.9\n"),
    "bad_settings": ("Annotated[PositiveInt, IntRange(8, 256, log=True)]", "int"),
    "parameter_counts": ("92_160", "92_231"),
}
"""What is wrong with a model, by the check that must say so."""


BROKEN_DATASETS = {
    "counts": ('"num_edges": 300', '"num_edges": 299', "other counts"),
    "overlap": ("node[~train & ~validation]", "node[place < 3]", "overlap"),
    "doubles": ("x=torch.eye(len(node))", "x=torch.eye(len(node)).double()", "float32"),
    "direction": ("sorted(nx.to_directed(graph).edges)", "sorted(graph.edges) * 2", "no reverse"),
    "licence": ('licence="BSD-3-Clause (networkx)"', 'licence=""', "no licence"),
    "chance": ("x=torch.eye(len(node))", "x=torch.rand(60, 60)", "not the same"),
}
"""What is wrong with a data set, and what must be said of it."""


@pytest.mark.slow
def test_broken_models_and_datasets_fail_their_contract(shell, package):
    """In one process, of which the imports are most."""
    names = {check: f"{MODEL}-{check.replace('_', '-')}" for check in BROKEN_MODELS}
    for check, change in BROKEN_MODELS.items():
        add_broken(package, "models", MODEL, names[check], change)
    for case, (old, new, _) in BROKEN_DATASETS.items():
        add_broken(package, "datasets", DATASET, f"{DATASET}-{case}", (old, new))
    files, chosen = "tests/model/test_contract.py tests/data/test_contract.py", f"{MODEL}- or {DATASET}-"
    words = f"python -m pytest {files} -k '{chosen}' -m 'not gpu' -p no:cacheprovider"
    report = shell(words, cwd=ROOT, path=package, code=1)
    found = {
        (name, check) for check, name in re.findall(rf"FAILED .*\[check_(\w+)-({MODEL}-[a-z-]+)-\w+-\w+\]", report)
    }
    assert {(name, check) for check, name in names.items()} <= found, report
    assert not any(name == MODEL for name, _ in found)
    for case, (*_, message) in BROKEN_DATASETS.items():
        assert re.search(rf"FAILED .*\[{DATASET}-{case}\] - .*{message}", report), (case, report)


def add_broken(package: Path, kind: str, name: str, broken: str, change: tuple[str, str]) -> None:
    """Offer a changed copy of an example under the name `broken`."""
    text = FILES[f"{name}.py"]
    assert text.count(change[0]) == 1, change
    module = broken.replace("-", "_")
    changed = text.replace(*change).replace(f'family="{name}"', f'family="{broken}"')
    (package / "my_package" / f"{module}.py").write_text(changed)
    offered = package / "my_package-1.0.dist-info" / "entry_points.txt"
    section = f"[graphlab.{kind}]\n"
    offered.write_text(offered.read_text().replace(section, f"{section}{broken} = my_package.{module}\n"))
