"""The weights that evaluations leave: the best by role, bounded, and nothing unpickled."""

from __future__ import annotations

import pytest
import torch

from graphlab.core.errors import StoreError
from graphlab.nas.core.outcome import Evaluation
from graphlab.nas.objectives.sharing import WeightStore


def put(weights, key, score, **tensors):
    weights.put(key, Evaluation({"validation": score}), score, tensors)


def values(weights, *roles):
    return {role: tensor.tolist() for role, tensor in weights.best(roles).items()}


def test_the_best_offer_counts_and_of_equal_ones_the_latest(tmp_path):
    weights = WeightStore(tmp_path)
    assert values(weights, "x") == {}
    for key, score, expected in (("d", 0.5, 0), ("c", 0.7, 1), ("b", 0.7, 2), ("a", 0.6, 2)):
        put(weights, key, score, x=torch.tensor([len(list(tmp_path.iterdir()))]))
        for reader in (weights, WeightStore(tmp_path)):
            assert values(reader, "x", "y") == {"x": [expected]}


def test_a_role_is_served_by_whoever_has_it(tmp_path):
    weights = WeightStore(tmp_path)
    put(weights, "a", 0.9, x=torch.ones(1))
    put(weights, "b", 0.1, x=torch.zeros(1), y=torch.zeros(1))
    assert values(weights, "x", "y") == {"x": [1.0], "y": [0.0]}


def test_what_another_worker_leaves_is_seen_and_what_it_deletes_is_gone(tmp_path):
    mine, other = WeightStore(tmp_path), WeightStore(tmp_path)
    put(mine, "a", 0.1, x=torch.zeros(1))
    put(other, "b", 0.9, x=torch.ones(1))
    assert values(mine, "x") == {"x": [1.0]}
    (tmp_path / "b.pt").unlink()
    assert values(mine, "x") == {"x": [0.0]}
    put(mine, "a", 0.1, z=torch.ones(1))
    assert values(mine, "x", "z") == {"z": [1.0]}


def test_an_evaluation_that_is_over_is_known(tmp_path):
    put(WeightStore(tmp_path), "a", 0.25, x=torch.zeros(1))
    assert WeightStore(tmp_path).evaluation("a") == Evaluation({"validation": 0.25})
    assert WeightStore(tmp_path).evaluation("b") is None


def test_what_no_role_needs_is_deleted_and_the_worst_beyond_the_limit(tmp_path):
    weights = WeightStore(tmp_path, most_bytes=100)
    left = {"a": (0.1, "x", 10), "b": (0.9, "x", 10), "c": (0.8, "y", 10), "d": (0.2, "z", 10), "e": (0.3, "w", 1)}
    for key, (score, role, count) in left.items():
        weights.put(key, Evaluation({"validation": score}), score, {role: torch.full((count,), score)})
    weights.tidy()
    assert {path.stem for path in tmp_path.iterdir()} == {"b", "c", "e"}  # 4 bytes a number: 40 + 40 + 4
    for reader in (weights, WeightStore(tmp_path, most_bytes=100)):
        found = reader.best(["x", "y", "z", "w"])
        assert {role: float(tensor[0]) for role, tensor in found.items()} == pytest.approx(
            {"x": 0.9, "y": 0.8, "w": 0.3}
        )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", "a tensor", "code"])
def test_a_damaged_file_is_named(content, tmp_path):
    path = tmp_path / "0000.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save({"weights": torch.zeros(2)} if content == "a tensor" else {"weights": Evaluation({})}, path)
    with pytest.raises(StoreError, match=r"0000\.pt"):
        WeightStore(tmp_path).best(["x"])
    with pytest.raises(StoreError, match=r"0000\.pt"):
        WeightStore(tmp_path).evaluation("0000")
