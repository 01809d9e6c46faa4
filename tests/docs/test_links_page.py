"""What docs/LINKS.md says runs as it stands there, and its tables are those of the task."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import numpy as np
import pytest

from graphlab.data.dataset import Split, Splits
from graphlab.data.load import load
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import MODELS, find_model
from graphlab.model.source_scores import SourceScores
from graphlab.ops.adjacency import Adjacency
from graphlab.ops.walks import adjacency_matrix
from graphlab.task.hard_negatives import Heuristics, combined_ranks
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
    rows = re.findall(r"^\| (`[^|]*) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|  \|$", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for title, *expected in rows:
        model, option = re.fullmatch(r"`([a-z-]+)`(?:, (.*))?", title).groups()
        options = {"model.weight": option} if model == "common-neighbours" else {}
        plan = make_plan(model, "planetoid/citeseer@heart", {"task.negatives": "hard", **options})
        task = plan.make_task(0)
        scores = task.evaluate(plan.make_learner(task, 0), "test")
        assert [f"{100 * scores[name]:.2f}" for name in ("mrr", "hits@10", "hits@100")] == expected, title


@pytest.mark.slow
@pytest.mark.real_data
def test_the_negatives_that_we_choose_are_harder_than_the_published():
    data = load("citeseer@heart")
    split = Split(*(items for _, items in data.split().parts()))
    plan = make_plan("katz", replace(data, splits=Splits("heart", fixed=(split,))), {"task.negatives": "hard"})
    task = plan.make_task(0)
    mrr = task.evaluate(plan.make_learner(task, 0), "test")["mrr"]
    assert f"`katz` has an mrr of {100 * mrr:.2f} against them" in TEXT


@pytest.mark.slow
@pytest.mark.real_data
def test_most_published_negatives_of_citeseer_are_tied_with_what_was_left_out():
    """By the published scores: common neighbours over the degree of the candidate, PageRank and cosine. They explain
    the negatives of ends that come for the first time, whose cosines are not overwritten."""
    data = load("citeseer@heart")
    split, num_nodes = data.split(), int(data.graph.num_nodes or 0)
    graph = Adjacency.of(split.train[:, :2].numpy(), num_nodes)
    scores = np.concatenate(
        [rows for _, rows in Heuristics(graph, data.graph.x.numpy()).blocks(np.arange(num_nodes))], 1
    )
    scores[0] = (adjacency_matrix(graph) @ adjacency_matrix(graph)).toarray() / np.maximum(graph.degree, 1)
    known = np.eye(num_nodes, dtype=bool)
    seen: set[int] = set()
    tied, explained = [], []
    for part, links in (("validation", split.train), ("test", split.validation)):
        source, target = links[links[:, 2] == 1][:, :2].t().numpy()
        known[source, target] = known[target, source] = True
        rows = getattr(split, part)
        for link, both in zip(rows[rows[:, 2] == 1][:, :2].tolist(), split.negatives[part].tolist(), strict=True):
            for (u, v), own in zip((link, link[::-1]), both, strict=True):
                candidates = np.flatnonzero(~known[u] & (np.arange(num_nodes) != v))
                ranks = combined_ranks(scores[:, u, candidates])
                best = np.sort(ranks)[: len(own)]
                is_cut = (ranks == best[-1]).sum() > (best == best[-1]).sum()
                tied.append(is_cut * np.mean(best == best[-1]))
                if u not in seen:
                    explained.append(np.array_equal(np.sort(ranks[np.searchsorted(candidates, own)]), best))
            seen |= set(link)
    assert np.mean(explained) > 0.99
    assert f"{100 * np.mean(tied):.0f} % are tied" in TEXT
    assert f"at {sum(share == 1 for share in tied)} of {len(tied):,} ends all are" in TEXT


def test_the_page_names_the_models_without_parameters():
    models = {name for name in MODELS.names() if issubclass(find_model(name).cls, SourceScores)} | {"common-neighbours"}
    section = TEXT.partition("## Models without parameters")[2]
    assert models == set(re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE))
