"""The relation graph against its definition, pair of relations by pair of relations."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.model.relation_graph import KINDS, relation_graph


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_relations_meet_where_their_ends_share_an_entity(data):
    num_nodes, num_relations = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    entity, relation = st.integers(0, num_nodes - 1), st.integers(0, num_relations - 1)
    facts = data.draw(st.lists(st.tuples(entity, relation, entity), max_size=12))
    rows = torch.tensor(facts, dtype=torch.int64).view(-1, 3)
    made = relation_graph(rows[:, [0, 2]].t(), rows[:, 1], num_nodes, num_relations)

    walked = facts + [(t, r + num_relations, h) for h, r, t in facts]
    ends = {
        "head": {r: {h for h, s, _ in walked if s == r} for r in range(2 * num_relations)},
        "tail": {r: {t for _, s, t in walked if s == r} for r in range(2 * num_relations)},
    }
    expected = {
        (i, j, kind)
        for kind, (a, b) in enumerate(name.split("-") for name in KINDS)
        for i in range(2 * num_relations)
        for j in range(2 * num_relations)
        if ends[a][i] & ends[b][j]
    }
    found = list(zip(*made.edge_index.tolist(), made.edge_type.tolist(), strict=True))
    assert made.num_nodes == 2 * num_relations
    assert len(found) == len(set(found))
    assert set(found) == expected
