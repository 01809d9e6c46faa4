"""What every transform in the registry keeps to, on each model that has parameters.

Each check takes a transform's name, its settings and a case of `cases()` and raises AssertionError:

    @pytest.mark.parametrize("check", TRANSFORM_CHECKS)
    @pytest.mark.parametrize("case", cases())
    def test_contract(check, case): check("quantize", {"scheme": "w8a8"}, *case)
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from graphlab.core.seeds import SeedStream
from graphlab.experiment.plan import Component, Plan
from graphlab.model.transform import TRANSFORM, begin_epoch, is_settled
from graphlab.task.base import Learner, Task
from graphlab.testing.small_models import built, plan_on_example
from graphlab.testing.small_models import cases as model_cases
from graphlab.training.optim import Engine

Settings = Mapping[str, Any]


def cases() -> list[tuple[str, str]]:
    """Every registered model that has parameters, with the first example that it can be built for."""
    example_of: dict[str, str] = {}
    for model, name in model_cases():
        example_of.setdefault(model, name)
    return [(model, name) for model, name in example_of.items() if built(model, name)[1].num_parameters]


def transformed(transform: str, settings: Settings, model: str, name: str) -> tuple[Plan, Task[Any], Learner]:
    """A small plan with the transform, its task and its learner."""
    components = {TRANSFORM: Component.parse(TRANSFORM, transform, settings)}
    plan = replace(plan_on_example(model, name), components=components)
    task = plan.make_task(0)
    return plan, task, plan.make_learner(task, 0)


def train(plan: Plan, task: Task[Any], learner: Learner, steps: int = 1) -> list[float]:
    """The losses of some training steps by the plan's optimiser, in the first of two epochs."""
    engine = Engine(learner.train(), plan.training, task.direction, task.device)
    begin_epoch(learner, 1, 2)
    batches = task.batches(SeedStream(0))
    losses = []
    for step in range(steps):
        SeedStream(0).child("step", step).seed_torch()
        loss = task.loss(learner, batches[step % len(batches)])
        if loss.requires_grad:
            engine.backward(loss)
            engine.step()
        losses.append(loss.item())
    return losses


def check_identity(transform: str, settings: Settings, model: str, name: str) -> None:
    """A run with the transform is another run than one without, and states its version and settings."""
    plan = transformed(transform, settings, model, name)[0]
    plain = plan_on_example(model, name).spec(0)
    spec = plan.spec(0)
    assert spec.id != plain.id and "transform" not in plain.identity and "transform" not in plain.versions
    assert spec.components == {TRANSFORM: transform} and spec.versions["transform"] >= 1 and transform in spec.title
    assert type(spec).from_json(spec.to_json()) == spec


def check_start(transform: str, settings: Settings, model: str, name: str) -> None:
    """It draws nothing, and leaves the parameters that were there with the numbers that they had."""
    plain = list(built(model, name)[1].parameters())
    _, _, learner = transformed(transform, settings, model, name)
    ours = list(learner.parameters())
    missing = [
        each for each in plain if not any(torch.equal(each, other) for other in ours if other.shape == each.shape)
    ]
    assert not missing, f"{len(missing)} of {len(plain)} parameters are not there after {transform}"


def check_step(transform: str, settings: Settings, model: str, name: str) -> None:
    """A training step has a finite loss and finite gradients; in a few steps every parameter that moves without the
    transform moves with it."""
    plan, task, learner = transformed(transform, settings, model, name)
    moved, losses = _moved(plan, task, learner)
    assert all(map(torch.isfinite, torch.tensor(losses))), f"the losses of {model} are {losses}"
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.parameters())
    plain = _moved(plan_on_example(model, name), *built(model, name))[0]
    missing = plain - moved
    assert not missing, f"{sorted(missing)} of {model} do not move under {transform}"


def check_checkpoint(transform: str, settings: Settings, model: str, name: str) -> None:
    """Weights written and read back without pickle give the same predictions, and the same next step, to the bit; those
    too of an epoch that ends what the transform has scheduled."""
    plan, task, learner = transformed(transform, settings, model, name)
    train(plan, task, learner)
    begin_epoch(learner, 2, 2)
    assert is_settled(learner), f"{transform} is not settled in the last epoch"
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    file.seek(0)
    other = plan.make_learner(task, 1)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(_predict(task, learner), _predict(task, other)), f"{model} predicts otherwise when read back"
    assert train(plan, task, learner) == train(plan, task, other)
    assert torch.equal(_predict(task, learner), _predict(task, other)), f"{model} goes on otherwise when read back"


def _moved(plan: Plan, task: Task[Any], learner: Learner) -> tuple[set[str], list[float]]:
    """Which parameters differ after two steps, by their names without a transform, and the losses."""
    before = {key: parameter.detach().clone() for key, parameter in learner.named_parameters()}
    losses = train(plan, task, learner, steps=2)
    moved = {_own_name(key) for key, parameter in learner.named_parameters() if not torch.equal(parameter, before[key])}
    return moved, losses


def _own_name(key: str) -> str:
    return key.replace("parametrizations.", "").removesuffix(".original")


def _predict(task: Task[Any], learner: Learner) -> Tensor:
    learner.eval()
    SeedStream(0).child("prediction").seed_torch()
    with torch.no_grad():
        return task.predict(learner, "validation" if "validation" in task.parts else "test")


Check = Callable[[str, Settings, str, str], None]
TRANSFORM_CHECKS: tuple[Check, ...] = (check_identity, check_start, check_step, check_checkpoint)
