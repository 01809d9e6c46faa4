"""What a run's name stands for, and what is written of it is what is read."""

import dataclasses
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.records.record import Result, RunRecord, RunSpec
from graphlab.records.store import Store
from tests.records.stored import SPEC, put


def test_the_id_of_a_run_is_what_it_was():
    """If this fails, every store in the world is asked to train again."""
    assert SPEC.id == "74e5bbadfc2baf61"


DESCRIPTIVE = {"model_config", "task_config", "training", "component_configs", "protocol"}
"""What departs from the defaults is in the identity; the whole is there to be read."""

DECISIVE = [f.name for f in dataclasses.fields(RunSpec) if f.name not in DESCRIPTIVE]


@pytest.mark.parametrize("field", DECISIVE)
def test_what_decides_a_result_is_part_of_the_id(field):
    value = getattr(SPEC, field)
    other = {**value, "more": 1} if isinstance(value, dict) else value + type(value)(1)
    assert replace(SPEC, **{field: other}).id != SPEC.id


@pytest.mark.parametrize("field", sorted(DESCRIPTIVE))
def test_what_only_describes_a_run_is_not_part_of_the_id(field):
    """So that a new setting with a neutral default, or a new line of a protocol, makes no run another one."""
    assert replace(SPEC, **{field: {**getattr(SPEC, field), "new": 1}}).id == SPEC.id


def test_versions_0_1_0_named_runs_by_the_whole_of_what_they_wrote(old_store):
    for folder in old_store.glob("*/spec.json"):
        spec = RunSpec.from_json(json.loads(folder.read_text()))
        assert spec.id == folder.parent.name


def test_the_id_does_not_depend_on_the_order_of_settings():
    assert replace(SPEC, departures=dict(reversed(SPEC.departures.items()))).id == SPEC.id


names = st.text(min_size=1, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scores = st.dictionaries(names, numbers, max_size=4)
plain = st.none() | st.booleans() | st.integers() | numbers | st.text(max_size=10)
configs = st.dictionaries(names, plain, max_size=4)
specs = st.builds(
    RunSpec,
    model=names,
    dataset=names,
    task=names,
    seed=st.integers(0, 2**64),
    data=names,
    model_config=configs,
    task_config=configs,
    training=configs,
    protocol=st.dictionaries(names, st.text() | st.integers() | numbers, max_size=4),
    departures=configs,
    versions=st.dictionaries(names, st.integers(1), max_size=3),
    code=st.text(max_size=4),
    kind=st.sampled_from(["run", "trial"]),
    eligibility=st.text(max_size=4),
)
results = st.builds(
    Result,
    status=st.sampled_from(["finished", "failed"]),
    metric=names,
    direction=st.sampled_from(["max", "min"]),
    num_parameters=st.integers(0),
    epochs=st.integers(0),
    best_epoch=st.none() | st.integers(0),
    validation=scores,
    test=scores,
    error=st.none() | st.fixed_dictionaries({"kind": names, "message": st.text()}),
)
notices = st.lists(names, max_size=2).map(tuple)
files = st.dictionaries(names, names, max_size=2)
rows = st.dictionaries(names, numbers, max_size=3)


@given(specs, results, st.lists(rows, max_size=3), st.floats(0, 1e9), notices, files)
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_what_is_read(tmp_path_factory, spec, result, curve, seconds, notices, files):
    store = Store(tmp_path_factory.mktemp("store"))
    written = RunRecord(spec, result, seconds, {"python": "3.11.7"}, tuple(curve), notices, "c0de", "da7a", files)
    folder = put(store, written)
    assert folder.read_finished() == written
    assert store.records(trials=True) == [written]
    assert store.records() == ([written] if spec.kind == "run" else [])
