"""A run to be stored."""

from dataclasses import replace

from graphlab.records.record import Result, RunRecord, RunSpec

SPEC = RunSpec(
    model="gcn",
    dataset="planetoid/cora",
    task="node-classification",
    seed=0,
    data="0" * 64,
    model_config={"hidden_dim": 16, "dropout": 0.5},
    task_config={},
    training={"epochs": 200, "patience": None},
    protocol={"metric": "accuracy", "split": "public"},
    departures={"training.epochs": 200, "training.patience": None},
    versions={"model": 1, "task": 1, "loop": 1},
)
RESULT = Result("finished", "accuracy", "max", 23_063, 200, 90, {"accuracy": 0.8}, {"accuracy": 0.81})


def record(**fields):
    curve = ({"epoch": 1, "loss": 1.5, "validation_accuracy": 0.8},)
    return RunRecord(replace(SPEC, **fields), RESULT, 2.5, {"python": "3.11.7"}, curve)


def put(store, run_record):
    folder = store.folder(run_record.spec)
    folder.begin()
    folder.finish(run_record)
    return folder
