"""Run records made by hand."""

from __future__ import annotations

from graphlab.records.record import Result, RunRecord, RunSpec


def record(
    value: float | None,
    seed: int = 0,
    model: str = "gcn",
    dataset: str = "planetoid/cora",
    metric: str = "accuracy",
    split: str = "public",
    task: str = "node-classification",
    **settings: object,
) -> RunRecord:
    spec = RunSpec(
        model=model,
        dataset=dataset,
        task=task,
        seed=seed,
        data="0" * 64,
        model_config={"hidden_dim": 16, **settings},
        task_config={},
        training={"epochs": 200, "lr": 0.01, "weight_decay": 5e-4},
        protocol={"split": split, "metric": metric},
        departures={f"model.{name}": value for name, value in settings.items()},
    )
    if value is None:
        error = {"kind": "divergence", "message": "the loss is <nan>"}
        return RunRecord(spec, Result("failed", metric, "max", 10, error=error), 1.0)
    result = Result("finished", metric, "max", 10, 200, 100, {metric: value}, {metric: value})
    curve = tuple({"epoch": epoch, "loss": 1.0, f"validation_{metric}": value} for epoch in (1, 2))
    return RunRecord(spec, result, 1.0, {"python": "3.11"}, curve)


def records(*values: float | None, **options: object) -> list[RunRecord]:
    return [record(value, seed, **options) for seed, value in enumerate(values)]  # pyright: ignore[reportArgumentType]
