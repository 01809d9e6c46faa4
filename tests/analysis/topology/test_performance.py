"""The performance of each node: the authors' own values, and definitions by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from graphlab.analysis.topology import performance
from graphlab.analysis.topology.performance import node_performance
from graphlab.core.errors import InputError
from tests.analysis.topology.cases import PACKS, PARTS, parts_of, random_parts

THEIR_NAMES = {"precision": "precision", "recall": "recall", "f1": "F1", "ndcg": "ndcg", "hits": "hit_ratio"}


@pytest.mark.real_data
@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize(
    ("part", "left_out", "leave_out_self", "suffix"),
    [
        ("train", (), False, "train_masked"),
        ("validation", ("train",), False, "val_masked"),
        ("test", ("train", "validation"), False, "test_masked"),
        ("test", (), False, "test_unmasked"),
        ("test", ("train", "validation"), True, "test_masked_noself"),
    ],
)
def test_values_are_the_authors_own(truth, name, part, left_out, leave_out_self, suffix):
    pack = truth(f"tc_{name}")
    rows = pack["embedding"]
    got = node_performance(
        parts_of(pack),
        lambda nodes: rows[nodes] @ rows.T,
        part,
        cuts=pack["topks"].tolist(),
        left_out=left_out,
        leave_out_self=leave_out_self,
    )
    assert np.array_equal(got.nodes, pack[f"eval_node_{PARTS[part]}"])
    for key, theirs in THEIR_NAMES.items():
        np.testing.assert_allclose(got.at[key], pack[f"{theirs}_{suffix}"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.mrr, pack[f"mrr_{suffix}"], rtol=0, atol=1e-12)


@given(st.integers(2, 14), st.floats(0.1, 1), st.integers(0, 10**6), st.integers(1, 4))
def test_metrics_are_those_of_sorted_scores(size, probability, seed, values):
    """With few different scores, so that there are ties."""
    parts = random_parts(size, probability, seed, held_out=0.6)
    scores = np.random.default_rng(seed).integers(0, values, (size, size)).astype(float)
    for part, before in (("validation", ["train"]), ("test", ["train", "validation"])):
        links = parts.links(part)
        got = node_performance(parts, lambda nodes: scores[nodes], part, cuts=(1, 3, 20))
        assert np.array_equal(got.nodes, np.flatnonzero(links.degree))
        for row, node in enumerate(got.nodes):
            true = set(links.neighbour[links.start[node] : links.start[node + 1]].tolist())
            hidden = {int(node)}
            for name in before:
                other = parts.links(name)
                hidden |= set(other.neighbour[other.start[node] : other.start[node + 1]].tolist())
            ranked = sorted(set(range(size)) - (hidden - true), key=lambda other: (-scores[node, other], other))
            relevant = np.array([other in true for other in ranked])
            assert got.mrr[row] == 1 / (1 + relevant.argmax())
            for place, cut in enumerate(got.cuts):
                hits = relevant[:cut].sum()
                assert got.at["precision"][row, place] == hits / cut
                assert got.at["recall"][row, place] == hits / len(true)
                assert got.at["hits"][row, place] == (hits > 0)
                f1 = 2 * hits / (cut + len(true))
                assert got.at["f1"][row, place] == pytest.approx(f1)
                if len(ranked) > 1:
                    order = -np.arange(len(ranked), dtype=float)
                    expected = ndcg_score(relevant[None].astype(float), order[None], k=cut)
                    assert got.at["ndcg"][row, place] == pytest.approx(expected)


def test_blocks_change_nothing(monkeypatch):
    parts = random_parts(40, 0.2, 0)
    rows = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    whole = node_performance(parts, lambda nodes: rows[nodes] @ rows.T).metrics()
    monkeypatch.setattr(performance, "SCORES", 120)
    seen = []
    blocks = node_performance(parts, lambda nodes: rows[nodes] @ rows.T, on_progress=seen.append).metrics()
    assert len(seen) > 5 and seen[-1] == 1
    assert whole.keys() == blocks.keys() and all(np.array_equal(whole[key], blocks[key]) for key in whole)
    assert {"hits@10", "ndcg@100", "mrr"} <= whole.keys()


def test_no_links_and_bad_scores():
    parts = random_parts(5, 0.0, 0)
    nothing = node_performance(parts, lambda nodes: np.zeros((len(nodes), 5)))
    assert len(nothing.nodes) == 0 and nothing.at["ndcg"].shape == (0, 6)
    parts = random_parts(8, 1.0, 0)
    with pytest.raises(InputError, match="have shape"):
        node_performance(parts, lambda nodes: np.zeros((len(nodes), 4)))
    with pytest.raises(InputError, match="not a finite number"):
        node_performance(parts, lambda nodes: np.full((len(nodes), 8), np.nan))
    with pytest.raises(InputError, match="a cut"):
        node_performance(parts, lambda nodes: np.zeros((len(nodes), 8)), cuts=(0,))
