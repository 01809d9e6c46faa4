"""What files and fingerprints hold of a spec: the form of version 0.1.0 wherever that says all, read back as it was."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.data.spec import (
    DISTINCT,
    FACT,
    LINK,
    Categorical,
    Continuous,
    DataSpec,
    Location,
    Stage,
    Target,
    TargetType,
    spec_of,
)

FIRST = {"node": None, "edge": None, "num_relations": 0, "num_entities": None, "directed": False}
FIRST |= {"target": "class", "target_of": "graph"}

FORMER = [
    (
        DataSpec("nodes", (Target("y", "node", "class", 7),), Continuous(4)),
        {**FIRST, "level": "node", "num_outputs": 7, "node": {"dim": 4}},
    ),
    (
        DataSpec("graphs", (Target("y", "edge", "value", 2),), edge=Categorical((3, 5)), weighted=True),
        {
            **FIRST,
            "level": "graph",
            "num_outputs": 2,
            "edge": {"sizes": [3, 5]},
            "target": "value",
            "target_of": "edge",
            "weighted": True,
        },
    ),
    (DataSpec("graph-pairs", (DISTINCT,)), {**FIRST, "level": "pair", "num_outputs": 0}),
    (DataSpec("node-pairs", (LINK,), num_entities=9), {**FIRST, "level": "link", "num_outputs": 0, "num_entities": 9}),
    (
        DataSpec("triples", (FACT,), num_relations=3, directed=True),
        {**FIRST, "level": "triple", "num_outputs": 0, "num_relations": 3, "directed": True},
    ),
    (
        DataSpec("mixture-triples", (FACT,), directed=True),
        {**FIRST, "level": "mixture", "num_outputs": 0, "directed": True},
    ),
]


@pytest.mark.parametrize(("spec", "form"), FORMER, ids=lambda case: case.items if isinstance(case, DataSpec) else "")
def test_what_version_0_1_0_wrote_is_written_and_read(spec, form):
    assert json.loads(json.dumps(spec.to_json())) == form
    assert spec_of(form) == spec


TARGETS = st.builds(
    Target,
    st.sampled_from(["y", "parent", "link", "fact"]),
    st.sampled_from(get_args(Location)),
    st.sampled_from(get_args(TargetType)),
    st.integers(1, 9),
    st.sampled_from(get_args(Stage)),
)
FEATURES = st.none() | st.builds(Continuous, st.integers(1, 9)) | st.builds(Categorical, st.just((2, 3)))


@given(
    st.builds(
        DataSpec,
        st.sampled_from(["nodes", "graphs", "graph-pairs", "triples", "node-pairs", "mixture-triples", "others"]),
        st.lists(TARGETS, max_size=3).map(lambda others: (Target("z", "node", "class", 2), *others))
        | TARGETS.map(lambda only: (only,)).filter(lambda targets: targets[0].stage == "output"),
        FEATURES,
        FEATURES,
        st.integers(0, 3),
        st.none() | st.integers(1, 9),
        st.booleans(),
        st.booleans(),
    )
)
def test_every_spec_is_read_back_as_it_was(spec):
    assert spec_of(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_list_of_targets_is_a_tuple():
    assert DataSpec("node-pairs", [LINK]) == DataSpec("node-pairs", (LINK,))  # pyright: ignore[reportArgumentType]
