"""The study of the second minimum: its sets, its equal budgets and what it keeps of a run."""

from __future__ import annotations

import json

import pytest
import torch

from tests.docs.blocks import ROOT
from tests.experiments.loading import load_experiment

STORED = sorted((ROOT / "experiments" / "results" / "studies").glob("second_minimum*.json"))


@pytest.fixture(scope="module")
def study():
    return load_experiment("second_minimum")


def draw(study, count, smallest, largest, seed=0, distinct=False):
    return study.draw_sets(count, smallest, largest, torch.Generator().manual_seed(seed), distinct=distinct)


def integers(study, sets):
    return ((sets.bits > 0).long() << torch.arange(study.BITS)).sum(1)


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("sizes", [(2, 2), (2, 16), (32, 32), (64, 64)])
def test_targets_are_second_minima(study, sizes, distinct):
    sets = draw(study, 200, *sizes, distinct=distinct)
    values = integers(study, sets)
    assert set(sets.bits.unique().tolist()) == {-1.0, 1.0}
    set_sizes = torch.bincount(sets.index, minlength=200)
    assert int(set_sizes.min()) == sizes[0] and int(set_sizes.max()) == sizes[1]
    for k, target in enumerate(sets.target.tolist()):
        elements = sorted(values[sets.index == k].tolist())
        assert elements[1] == target
        assert not distinct or len(set(elements)) == len(elements)


def test_test_sets_are_the_same_each_time_and_training_sets_follow_the_seed(study):
    assert torch.equal(draw(study, 9, 2, 16).bits, draw(study, 9, 2, 16).bits)
    assert not torch.equal(draw(study, 9, 4, 4).bits, draw(study, 9, 4, 4, seed=1).bits)


@pytest.mark.parametrize("dim", [32, 64])
def test_arms_have_equally_many_parameters_and_do_not_mix_sets(study, dim):
    counts = []
    sets = draw(study, 6, 2, 16)
    for arm in study.ARMS:
        torch.manual_seed(0)
        model = study.make_model(arm, dim)
        counts.append(study.num_parameters(model))
        scores, nodes = model(sets)
        assert scores.shape == (6, study.CLASSES) and (nodes is not None) == (arm == "lcm")
        first = sets.index == 0
        alone, _ = model(study.Sets(sets.bits[first], sets.index[first], sets.target[:1]))
        torch.testing.assert_close(alone, scores[:1], rtol=0, atol=1e-4)
    assert max(counts) <= 1.01 * min(counts)


def test_pna_is_four_moments_at_three_scales(study):
    values = torch.tensor([[1.0], [3.0], [2.0]])
    pna = study.PNA()(values, torch.tensor([0, 0, 1]), 2)
    typical = sum(torch.tensor(n + 1.0).log().item() for n in range(2, 17)) / 15
    scale = torch.tensor([3.0, 2.0]).log() / typical
    moments = torch.tensor([[2.0, 3.0, 1.0, 1.0], [2.0, 2.0, 2.0, 0.0]])
    expected = torch.cat([moments, moments * scale[:, None], moments / scale[:, None]], 1)
    torch.testing.assert_close(pna, expected, rtol=0, atol=0.02)


def run(study, tmp_path, monkeypatch, *words):
    out = tmp_path / "study.json"
    sizes = ["--steps", "6", "--batch", "8", "--dim", "16", "--test-sets", "20", "--log-every", "3"]
    monkeypatch.setattr("sys.argv", ["second_minimum.py", "--out", str(out), *sizes, *words])
    study.main()
    return json.loads(out.read_text())


def test_a_short_run_keeps_every_arm_and_seed(study, tmp_path, monkeypatch, capsys):
    kept = run(study, tmp_path, monkeypatch, "--seeds", "0:2")
    assert [(row["arm"], row["seed"]) for row in kept["runs"]] == [(arm, seed) for seed in (0, 1) for arm in study.ARMS]
    for row in kept["runs"]:
        assert row["steps"] == kept["setup"]["steps"] == 6
        assert row["curve"]["step"] == [3]
        assert set(row["accuracy"]) == set(row["stability"]) == {"16", "32", "64"}
        assert row["arm"] == "lcm" or min(row["stability"].values()) == 1
    assert "lcm  seed 1" in capsys.readouterr().out
    again = run(study, tmp_path, monkeypatch, "--arms", "lcm", "--seeds", "1:2")["runs"]
    first = kept["runs"][len(study.ARMS)]
    assert {**again[0], "seconds": 0} == {**first, "seconds": 0}


def test_the_associativity_loss_changes_training(study, tmp_path, monkeypatch):
    (with_loss,) = run(study, tmp_path, monkeypatch, "--arms", "lcm", "--seeds", "3:4")["runs"]
    (without,) = run(study, tmp_path, monkeypatch, "--arms", "lcm", "--seeds", "3:4", "--associativity", "0")["runs"]
    assert with_loss["curve"]["loss"] != without["curve"]["loss"]


def test_a_run_on_distinct_integers_says_so(study, tmp_path, monkeypatch):
    plain, distinct = (run(study, tmp_path, monkeypatch, "--arms", "max", *words) for words in ((), ("--distinct",)))
    assert (plain["setup"]["distinct"], distinct["setup"]["distinct"]) == (False, True)
    assert plain["runs"][0]["curve"]["loss"] != distinct["runs"][0]["curve"]["loss"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_what_is_kept_is_of_equal_budgets(study, path):
    kept = json.loads(path.read_text())
    by_seed: dict[int, list[str]] = {}
    for row in kept["runs"]:
        by_seed.setdefault(row["seed"], []).append(row["arm"])
        assert row["steps"] == kept["setup"]["steps"]
        assert row["parameters"] == study.num_parameters(study.make_model(row["arm"], kept["setup"]["dim"]))
    assert all(sorted(arms) == sorted(study.ARMS) for arms in by_seed.values())


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_maximum_does_not_count_in_what_is_kept(study, path):
    """With repetition it is right for sets whose minimum is unique, and no others."""
    kept = json.loads(path.read_text())
    if kept["setup"].get("distinct", False):
        pytest.skip("no integer repeats")
    for size in study.TEST_SIZES:
        sets = draw(study, kept["setup"]["test_sets"], size, size, study.TEST_SEED + size)
        values = integers(study, sets).view(-1, size)
        unique = ((values == values.amin(1, keepdim=True)).sum(1) == 1).float().mean()
        for row in kept["runs"]:
            assert row["arm"] != "max" or row["accuracy"][str(size)] <= float(unique) + 0.005
