"""The inverse rule against its definition, pair by pair."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlab.data.load import load
from graphlab.data.spec import FACT, DataSpec
from graphlab.experiment.run import run
from graphlab.model.registry import build_model
from graphlab.model.zoo.inverse_rule import relation_overlap

N, R = 5, 3
SPEC = DataSpec("triples", (FACT,), num_relations=R, directed=True)
entity = st.integers(0, N - 1)
facts = st.lists(st.tuples(entity, st.integers(0, R - 1), entity), min_size=1, max_size=25)


def graph(triples) -> Data:
    head, relation, tail = torch.tensor(triples).t()
    return Data(edge_index=torch.stack([head, tail]), edge_type=relation, num_nodes=N)


def ends(triples, relation: int) -> set[tuple[int, int]]:
    return {(h, t) for h, r, t in triples if r == relation and h != t}


@settings(deadline=None, max_examples=80)
@given(facts)
def test_overlaps_are_counts_of_pairs(triples):
    world = graph(triples)
    same, turned = relation_overlap(world.edge_index, world.edge_type, N, R)
    for r in range(R):
        for s in range(R):
            assert same[r, s] == len(ends(triples, r) & ends(triples, s))
            assert turned[r, s] == len(ends(triples, r) & {(t, h) for h, t in ends(triples, s)})


@settings(deadline=None, max_examples=80)
@given(facts, st.sampled_from([0.3, 0.5, 0.9]))
def test_scores_are_the_rule_for_tails_and_heads(triples, share):
    def inverse(r: int, s: int) -> bool:
        one, other = ends(triples, r), {(t, h) for h, t in ends(triples, s)}
        common = len(one & other)
        return common > 0 and (common >= share * len(one) or common >= share * len(other))

    model = build_model("inverse-rule", SPEC, {"min_overlap": share})
    queries = torch.cartesian_prod(torch.arange(N), torch.arange(2 * R))
    scores = model.score(graph(triples), *queries.unbind(1))
    for (given_, asked), row in zip(queries.tolist(), scores.tolist(), strict=True):
        r = asked % R
        for x, score in enumerate(row):
            turned = (x, given_) if asked < R else (given_, x)
            expected = any((turned[0], s, turned[1]) in set(triples) for s in range(R) if inverse(r, s))
            assert score == float(expected)


def test_candidates_are_columns_of_all_and_hidden_facts_are_not_there():
    world = graph([(0, 0, 1), (1, 0, 0), (2, 0, 3), (3, 0, 2)])
    model = build_model("inverse-rule", SPEC, {"min_overlap": 0.6})
    head, relation = torch.tensor([0, 2]), torch.tensor([0, R])
    tail = torch.tensor([[1, 4], [3, 3]])
    assert model.score(world, head, relation, tail).tolist() == [[1.0, 0.0], [1.0, 1.0]]
    world.edge_mask = torch.tensor([True, False, True, True])
    hidden = world.clone()
    assert model.score(hidden, head, relation, tail).tolist() == [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.real_data
def test_wn18rr_is_a_third_symmetry(tmp_path):
    """Each test triple that the rule answers is answered from its head and from its tail."""
    found = run("inverse-rule", "kg/wn18rr", store=tmp_path, progress=False, device="cpu")
    hits = found.records[0].result.test["hits@10"]
    train, test = load("kg/wn18rr").split().train, load("kg/wn18rr").split().test
    mirrored = {(t, r, h) for h, r, t in train.tolist()}
    names = load("kg/wn18rr").labels["relations"]
    symmetric = {names.index(name) for name in ("_derivationally_related_form", "_verb_group", "_similar_to")}
    answered = sum(tuple(row) in mirrored for row in test.tolist() if row[1] in symmetric)
    assert hits == pytest.approx(answered / len(test), abs=0.005)
