"""What docs/LINKS.md says runs as it stands there, and its tables are those of the task."""

from __future__ import annotations

import re
import shlex

import pytest

from graphlab.experiment.plan import make_plan
from graphlab.model.registry import MODELS, find_model
from graphlab.model.source_scores import SourceScores
from graphlab.task.kinds.link_prediction import METRICS, SELECTION
from tests.docs.blocks import ROOT, blocks

PAGE = "docs/LINKS.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.real_data
def test_the_page_runs(shell, cli, tmp_path, monkeypatch):
    python, bash = blocks(PAGE)
    assert (python.language, bash.language) == ("python", "bash")
    monkeypatch.setenv("GRAPHLAB_STORE", str(tmp_path / "runs"))
    (tmp_path / "snippet.py").write_text(python.text)
    shown = shell(f"python {tmp_path / 'snippet.py'}")
    assert shown.count("test/mrr") == 4
    done = cli(*shlex.split(bash.text)[1:], "--json")
    assert done.code == 0, done.err
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 4, "both ways say the same run"


@pytest.mark.parametrize("negatives", METRICS)
def test_the_page_names_the_metrics_of_each_kind_of_negatives(negatives):
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{negatives}`"))
    listed = row.split("|")[3]
    first, *others = re.findall(r"(?:hits@)?\d+|auroc|ap|mrr", listed)
    names = {first, *(f"hits@{name}" if name.isdigit() else name for name in others)}
    assert first == SELECTION[negatives] and names == set(METRICS[negatives])


@pytest.mark.slow
@pytest.mark.real_data
def test_the_scores_on_citeseer_are_those_of_the_page():
    rows = re.findall(r"^\| (`[^|]*) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for title, *expected in rows:
        model, option = re.fullmatch(r"`([a-z-]+)`(?:, (.*))?", title).groups()
        options = {"model.weight": option} if model == "common-neighbours" else {}
        scores = {}
        for negatives in ("hard", "shared"):
            plan = make_plan(model, "planetoid/citeseer@heart", {"task.negatives": negatives, **options})
            task = plan.make_task(0)
            scores[negatives] = task.evaluate(plan.make_learner(task, 0), "test")
        shown = [*(scores["hard"][name] for name in ("mrr", "hits@10", "hits@100")), scores["shared"]["hits@100"]]
        assert [f"{100 * score:.2f}" for score in shown] == expected, title


def test_the_page_names_the_models_without_parameters():
    models = {name for name in MODELS.names() if issubclass(find_model(name).cls, SourceScores)} | {"common-neighbours"}
    section = TEXT.partition("## Models without parameters")[2]
    assert models == set(re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE))
