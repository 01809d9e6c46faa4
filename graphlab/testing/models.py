"""What every model in the registry keeps to, on a tiny example of each kind of task it does.

Each check takes a model's name and an example's name and raises AssertionError. `contract()` lists what applies, so
that one parametrised test covers whatever is registered:

    @pytest.mark.parametrize(("check", "model", "example"), contract())
    def test_contract(check, model, example): check(model, example)
"""

from __future__ import annotations

import io
from collections.abc import Callable
from copy import deepcopy

import torch

from graphlab.core.config import search_space
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import DataSpec
from graphlab.model.base import Model
from graphlab.model.initialisation import draw_zeros
from graphlab.model.registry import find_model
from graphlab.task.registry import TASKS, find_task
from graphlab.testing.model_outputs import (
    check_edge_fields,
    check_isolation,
    check_layers,
    check_link_scores,
    check_pair_tensor,
    check_permutation,
)
from graphlab.testing.small_models import built, cases, distinct_cases, plan_on_example
from graphlab.training.config import TrainingConfig

__all__ = ["MODEL_CHECKS", "ONCE", "cases", "check_gpu", "contract"]


def check_registration(model: str, name: str) -> None:
    """It cites its source, names tasks that exist, and its defaults lie in its own search ranges."""
    entry = find_model(model)
    assert entry.cls.citation.title and entry.cls.citation.url.startswith("http"), f"{model} has no citation"
    assert entry.cls.__doc__, f"{model} has no docstring"
    assert entry.config.model_config.get("frozen"), f"the Config of {model} is not frozen"
    defaults = entry.config()
    for key, searched in search_space(entry.config).items():
        assert searched.contains(getattr(defaults, key)), f"{model}.{key}: default outside of its search range"


DRAWS = 8
"""Of weights, one of which has to do."""


def check_gradients(model: str, name: str) -> None:
    """The loss reaches every parameter, in one of `DRAWS` of weights: in a small batch gradients may cancel, and two
    graphs may lie as far apart as their loss asks for."""
    missed = {key for key, _ in built(model, name)[1].named_parameters()}
    for seed in range(DRAWS):
        if missed:
            missed &= _missed(model, name, seed)
    assert not missed, f"no gradient reaches {sorted(missed)}"


def _missed(model: str, name: str, seed: int) -> set[str]:
    """The parameters that no batch of an epoch reaches; stops at the first batch by which all are reached. Maps that
    start at zero, behind which nothing is reached, are drawn."""
    task, learner = built(model, name, seed)
    learner = deepcopy(learner)
    draw_zeros(learner)
    missed, batches = dict(learner.named_parameters()), task.batches(SeedStream(0))
    for step in range(len(batches)):
        if missed:
            task.loss(learner, batches[step]).backward()
            missed = {key: p for key, p in missed.items() if p.grad is None or not p.grad.abs().sum() > 0}
    return set(missed)


def check_mixed_precision(model: str, name: str) -> None:
    """A step in bfloat16, which `training.precision` may ask for, has a finite loss and finite gradients."""
    task, learner = built(model, name)
    with torch.autocast("cpu", torch.bfloat16):
        loss = task.loss(learner, task.batches(SeedStream(0))[0])
    assert loss.isfinite(), f"the loss of {model} is {loss.item()} in bfloat16"
    if loss.requires_grad:
        loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.parameters())


def check_overfit(model: str, name: str) -> None:
    """A hundred steps on one batch, at a high or a low learning rate, bring its loss down to under half; linear models
    take a higher one. The weights are the first of `DRAWS` by which there is a loss."""
    if not list(built(model, name)[1].parameters()):
        return
    seed = next((seed for seed in range(DRAWS) if _first_loss(model, name, seed) > 0), None)
    assert seed is not None, "there is no loss to bring down"
    assert any(_overfits(model, name, seed, lr) for lr in (0.02, 0.002, 0.2)), (
        "the loss stays above half of what it was"
    )


def _first_loss(model: str, name: str, seed: int) -> float:
    task, learner = built(model, name, seed)
    return task.loss(learner, task.batches(SeedStream(0))[0]).item()


def _overfits(model: str, name: str, seed: int, lr: float) -> bool:
    """Whether the loss came down; stops when it has."""
    task, learner = built(model, name, seed)
    optimizer = torch.optim.Adam(learner.parameters(), lr=lr)
    batch = task.batches(SeedStream(0))[0]
    first = None
    for _ in range(100):
        loss = task.loss(learner, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first = loss.item() if first is None else first
        if loss.item() < 0.5 * first:
            return True
    return False


def check_state_dict(model: str, name: str) -> None:
    """Weights written and read back without pickle give the same predictions."""
    task, learner = built(model, name)
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    file.seek(0)
    other = built(model, name, seed=1)[1]
    other.load_state_dict(torch.load(file, weights_only=True))
    learner.eval()
    other.eval()
    with torch.no_grad():
        torch.testing.assert_close(
            task.predict(other, "validation"), task.predict(learner, "validation"), rtol=0, atol=0
        )


def check_repeatable(model: str, name: str) -> None:
    """The same seed gives the same weights and predictions, bit for bit."""
    task, first = built(model, name)
    _, second = built(model, name)
    first.eval()
    second.eval()
    with torch.no_grad():
        same = torch.equal(task.predict(first, "validation"), task.predict(second, "validation"))
    assert same, f"{model} predicts differently from the same seed"


def check_bad_settings(model: str, name: str) -> None:
    """An unknown setting, and a number below zero where a search looks for larger ones, are ConfigErrors."""
    entry = find_model(model)
    wrong = {"no_such_setting": 1} | {
        key: -1
        for key, value in entry.config().to_json().items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    for key, value in wrong.items():
        try:
            entry.config.parse({key: value}, where=model)
        except ConfigError:
            continue
        raise AssertionError(f"{model} accepts {key}={value}")


def check_parameter_counts(model: str, name: str) -> None:
    """The recipes' models have as many parameters as is pinned beside them."""
    entry = find_model(model)
    for key, preset in entry.presets.items():
        for spec, count in preset.num_parameters.items():
            built = build(entry.name, spec, preset.model)
            found = sum(p.numel() for p in built.parameters())
            assert found == count, f"{model} for {key} has {found} parameters, {count} are pinned"


def check_recipes(model: str, name: str) -> None:
    """What a recipe calls ours are settings that there are, and of a published recipe something is published."""
    entry = find_model(model)
    tasks = [find_task(task) for task in TASKS.names()]
    able = [task.Config for task in tasks if task.abilities() & entry.cls.tasks]
    known = {f"model.{field}" for field in entry.config.model_fields}
    known |= {f"training.{field}" for field in TrainingConfig.model_fields}
    known |= {f"task.{field}" for config in able for field in config.model_fields}
    for key, preset in entry.presets.items():
        parts = {"model": preset.model, "task": preset.task, "training": preset.training}
        named = [f"{part}.{field}" for part, values in parts.items() for field in values]
        unknown = {*named, *preset.ours} - known
        assert not unknown, f"the recipe of {model} for {key} names {', '.join(sorted(unknown))}"
        assert not (preset.ours and not preset.is_published), f"all of the recipe of {model} for {key} is ours"
        published = [setting for setting in named if not preset.is_ours(setting)]
        assert published or not preset.is_published, f"nothing of the recipe of {model} for {key} is published"


def build(model: str, spec: DataSpec, settings) -> Model:
    entry = find_model(model)
    return entry.build(spec, entry.config.parse(settings, where=model))


def check_gpu(model: str, name: str) -> None:
    """CPU and GPU agree."""
    plan, rows = plan_on_example(model, name), []
    for device in ("cpu", "cuda"):
        task = plan.make_task(0, device)
        learner = plan.make_learner(task, 0).eval()
        with torch.no_grad():
            rows.append(task.predict(learner, "validation").cpu())
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-3, atol=1e-4)


Check = Callable[[str, str], None]
MODEL_CHECKS: tuple[Check, ...] = (
    check_permutation,
    check_link_scores,
    check_isolation,
    check_pair_tensor,
    check_layers,
    check_edge_fields,
    check_gradients,
    check_mixed_precision,
    check_overfit,
    check_state_dict,
    check_repeatable,
)
"""What holds on each example that a model can be built for."""

ONCE: tuple[Check, ...] = (check_registration, check_bad_settings, check_parameter_counts, check_recipes)
"""What no example has a part in."""


def contract(*models: str) -> list[tuple[Check, str, str]]:
    """Every check with each of these models, by default all that are registered, and an example; once where the example
    makes no difference."""
    return [
        (check, model, name)
        for model, names in distinct_cases(*models).items()
        for place, name in enumerate(names)
        for check in (*MODEL_CHECKS, *(() if place else ONCE))
    ]
