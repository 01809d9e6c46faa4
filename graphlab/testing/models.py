"""What every model in the registry keeps to, on a tiny example of each kind of task it does.

Each check takes a model's name and an example's name and raises AssertionError. `cases()` lists all
pairs that apply, so that one parametrised test covers whatever is registered:

    @pytest.mark.parametrize("check", MODEL_CHECKS)
    @pytest.mark.parametrize(("model", "example"), cases())
    def test_contract(check, model, example): check(model, example)
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from graphlab.core.config import search_space
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.data.spec import Continuous, DataSpec
from graphlab.experiment.plan import Plan, make_plan
from graphlab.model.base import LinkModel, Model, TripleModel
from graphlab.model.edges import FIELDS
from graphlab.model.layered import LayeredModel, layerwise
from graphlab.model.pair_model import PairModel
from graphlab.model.registry import MODELS, find_model
from graphlab.model.subgraph.pairs import to_dense
from graphlab.task.base import Learner, Task
from graphlab.task.kinds.node_classification import NodeClassification
from graphlab.task.registry import TASKS, find_task
from graphlab.testing.examples import EXAMPLES, example
from graphlab.training.config import TrainingConfig

NEUTRAL = {"dropout": 0.0, "node_ratio": 1.0}
"""Dropout is random, and a share of the nodes is taken in the order of their ids where they are tied."""

SMALL = {"hidden_dim": 16, "num_layers": 2}
"""Of models of nodes and graphs, where subgraphs make many rows of each."""

FEW = {"batch_size": 4, "num_relabelings": 6, "output_dim": 4}
"""Of a task's settings, where it has a number by default."""

assert_close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-5)


def cases() -> list[tuple[str, str]]:
    """Every registered model with each example it can be built for."""
    return [(model, name) for model in MODELS.names() for name in EXAMPLES if _fits(model, example(name))]


def _fits(model: str, dataset: Dataset) -> bool:
    if (find_task(dataset.task).ability or dataset.task) not in find_model(model).cls.tasks:
        return False
    try:
        small_plan(model, dataset)
    except IncompatibleError:
        return False
    return True


def small_plan(model: str, dataset: Dataset) -> Plan:
    """A small model without what is random or depends on the numbering, on batches that are a small part of the
    example."""
    fields = find_model(model).config.model_fields
    chosen = NEUTRAL | (SMALL if _is_plain(dataset) else {})
    overrides = {f"model.{key}": value for key, value in chosen.items() if key in fields}
    settings = find_task(dataset.task).Config.model_fields
    overrides |= {f"task.{key}": value for key, value in FEW.items() if key in settings and settings[key].default}
    return make_plan(model, dataset, overrides)


def _is_plain(dataset: Dataset) -> bool:
    """Whether models see nodes and edges of plain graphs, with weights where there are any."""
    return "edge_weight" in find_items(dataset.spec.items).reads


def _learner(model: str, name: str, seed: int = 0) -> tuple[Task, Learner]:
    plan = small_plan(model, example(name))
    task = plan.make_task(0)
    return task, plan.make_learner(task, seed)


def check_registration(model: str, name: str) -> None:
    """It cites its source, names tasks that exist, and its defaults lie in its own search ranges."""
    entry = find_model(model)
    assert entry.cls.citation.title and entry.cls.citation.url.startswith("http"), f"{model} has no citation"
    assert entry.cls.__doc__, f"{model} has no docstring"
    assert entry.config.model_config.get("frozen"), f"the Config of {model} is not frozen"
    defaults = entry.config()
    for key, searched in search_space(entry.config).items():
        assert searched.contains(getattr(defaults, key)), f"{model}.{key}: default outside of its search range"


def check_permutation(model: str, name: str) -> None:
    """Renaming the nodes renames the outputs and changes nothing else."""
    dataset = example(name)
    task, learner = _learner(model, name)
    learner.eval()
    order = torch.randperm(int(dataset.graph.num_nodes or 0), generator=SeedStream(1).torch())
    with torch.no_grad():
        if isinstance(learner.model, LinkModel) and dataset.spec.items == "node-pairs":
            _check_linked_nodes_renamed(learner.model, dataset, order)
            return
        if isinstance(learner.model, TripleModel):
            _check_entities_renamed(learner.model, dataset, order)
            return
        _check_nodes_renamed(small_plan(model, dataset), task, learner)


def _check_nodes_renamed(plan: Plan, task: Task, learner: Learner) -> None:
    """Rows of nodes are renamed with them; what becomes of other rows stays the same."""
    dataset = plan.dataset
    graphs = dataset.graphs[:4] if find_items(dataset.spec.items).are_graphs else (task.batches(SeedStream(0))[0],)
    stream = SeedStream(1).torch()
    orders = [torch.randperm(int(graph.num_nodes or 0), generator=stream) for graph in graphs]
    renamed = [_rename(graph, order) for graph, order in zip(graphs, orders, strict=True)]
    batches = [_batch(plan, part) for part in (graphs, renamed)]
    before, after = (learner.model(batch) for batch in batches)
    if len(before) == batches[0].num_nodes:
        first = torch.tensor([0, *(len(order) for order in orders)]).cumsum(0)
        assert_close(after, before[torch.cat([order + start for order, start in zip(orders, first, strict=False)])])
    if find_items(dataset.spec.items).are_graphs:
        assert_close(learner.head(after, batches[1]), learner.head(before, batches[0]))


def _batch(plan: Plan, graphs: Sequence[Data]) -> Any:
    """These graphs, ready for the model; those that are made ready already are so anew."""
    preparation = plan.model.cls.preparation(plan.model_config)
    return Batch.from_data_list(list(graphs if preparation is None else preparation.prepare(graphs)))


def _rename(batch: Data, order: Tensor) -> Data:
    """The graph whose node i is the old node order[i], its edges listed backwards."""
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    renamed = batch.clone()
    for key, value in batch.to_dict().items():
        if batch.is_node_attr(key):
            renamed[key] = value[order]
        elif batch.is_edge_attr(key) and key != "edge_index":
            renamed[key] = value.flip(0)
    renamed.edge_index = place[batch.edge_index].flip(1)
    return renamed


def _check_entities_renamed(model: TripleModel, dataset: Dataset, order: Tensor) -> None:
    if dataset.spec.num_entities is not None:
        return  # a vector an entity: renaming entities renames parameters
    whole = dataset.graph.to_dict()
    shown = {key: whole[key] for key in ("edge_type", "num_relations") if key in whole}
    graph = Data(edge_index=dataset.graph.edge_index, num_nodes=len(order), **shown)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    renamed = Data(edge_index=place[whole["edge_index"]], num_nodes=len(order), **shown)
    head, relation = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 2, 3])
    scores = model.score(graph, head, relation)
    assert_close(model.score(renamed, place[head], relation), scores[:, order])


def _check_linked_nodes_renamed(model: LinkModel, dataset: Dataset, order: Tensor) -> None:
    """A pair scores alike in both orders; where nodes have no vectors of their own, under other names too."""
    graph, pairs = dataset.graph, dataset.split().validation[:, :2]
    scores = model(graph, pairs)
    assert scores.shape == (len(pairs),), f"scores of {len(pairs)} pairs have the shape {tuple(scores.shape)}"
    assert_close(model(graph, pairs.flip(1)), scores)
    if any(len(order) in parameter.shape for parameter in model.parameters()):
        return
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    assert_close(model(_rename(graph, order), place[pairs]), scores)


def check_link_scores(model: str, name: str) -> None:
    """A link model's scores do not depend on how they are asked for: pair by pair or a source's candidates at once,
    all nodes or some in any order, sources together or apart, from either end."""
    dataset = example(name)
    built = _learner(model, name)[1].eval().model
    if not isinstance(built, LinkModel) or dataset.spec.items != "node-pairs":
        return
    num_nodes = int(dataset.graph.num_nodes or 0)
    random = SeedStream(2).torch()
    sources = torch.randperm(num_nodes, generator=random)[:5]
    candidates = torch.randint(num_nodes, (len(sources), 7), generator=random)
    with torch.no_grad():
        encoding = built.encode(dataset.graph)
        whole = built.score_nodes(encoding, sources)
        assert whole.shape == (len(sources), num_nodes), f"scores of all nodes have the shape {tuple(whole.shape)}"
        pairs = torch.cartesian_prod(sources, torch.arange(num_nodes))
        assert_close(built.score_pairs(encoding, pairs).view_as(whole), whole)
        assert_close(built(dataset.graph, pairs).view_as(whole), whole)
        some = built.score_nodes(encoding, sources, candidates)
        assert_close(some, whole.gather(1, candidates))
        order = torch.randperm(candidates.size(1), generator=random)
        assert_close(built.score_nodes(encoding, sources, candidates[:, order]), some[:, order])
        parts = [built.score_nodes(encoding, few) for few in sources.split(2)]
        assert_close(torch.cat(parts), whole)
        assert_close(whole[:, sources], whole[:, sources].T)


def check_isolation(model: str, name: str) -> None:
    """What a graph gets does not depend on the graphs it is batched with."""
    dataset = example(name)
    if dataset.spec.items != "graphs":
        return
    task, learner = _learner(model, name)
    learner.eval()
    with torch.no_grad():
        together = task.predict(learner, "test")
        parts = dataset.split().test
        alone = [learner.head(learner.model(b), b) for b in (task.collate(parts[i : i + 1]) for i in range(len(parts)))]  # pyright: ignore[reportAttributeAccessIssue]
    assert_close(torch.cat(alone), together)


def check_pair_tensor(model: str, name: str) -> None:
    """The tensor of a model of pairs has a row a pair; its rows and columns are renamed with the nodes, and neither it
    nor what is read from it depends on larger and smaller graphs of the batch."""
    plan = small_plan(model, example(name))
    built = plan.make_learner(plan.make_task(0), 0).eval().model
    if not isinstance(built, PairModel):
        return
    large = plan.dataset.graphs[0].clone()
    size = int(large.num_nodes or 0)
    small = large.subgraph(torch.arange(size // 2))
    order = torch.randperm(size, generator=SeedStream(1).torch())
    with torch.no_grad():
        tensors, rows = {}, {}
        for key, graphs in {"both": (small, large), "small": (small,), "renamed": (_rename(large, order),)}.items():
            batch = _batch(plan, graphs)
            (pairs, h), rows[key] = built.pair_tensor(batch), built(batch)
            assert h.shape[:1] == (pairs.num_tuples,), f"the tensor of pairs has the shape {tuple(h.shape)}"
            tensors[key] = to_dense(pairs, h, size)[0]
    first = size // 2
    assert_close(tensors["both"][0], tensors["small"][0])
    assert_close(tensors["renamed"][0], tensors["both"][1][order][:, order])
    assert_close(rows["both"][: len(rows["small"])], rows["small"])
    if len(rows["small"]) == first:
        assert_close(rows["renamed"], rows["both"][first:][order])


def check_layers(model: str, name: str) -> None:
    """A model of layers gives the same rows a layer and a few nodes at a time."""
    task, learner = _learner(model, name)
    if isinstance(learner.model, LayeredModel) and isinstance(task, NodeClassification):
        graph = task.batches(SeedStream(0))[0]
        learner.eval()
        assert_close(layerwise(learner.model, graph, max_numbers=200), learner.model(graph))


def check_edge_fields(model: str, name: str) -> None:
    """Other numbers in a field of edges change the outputs if the model says that it reads the field, and only then."""
    dataset = example(name)
    if not _is_plain(dataset):
        return
    for field in FIELDS:
        before, after = (_outputs(model, _with_edge_field(dataset, field, seed)) for seed in (0, 1))
        read = field in find_model(model).cls.edge_fields
        assert torch.equal(before, after) != read, f"{model} {'does not read' if read else 'reads'} {field}"


def _with_edge_field(dataset: Dataset, field: str, seed: int) -> Dataset:
    random = SeedStream(seed).torch()
    graphs = [graph.clone() for graph in dataset.graphs]
    for graph in graphs:
        shape = (graph.num_edges, 2) if field == "edge_attr" else (graph.num_edges,)
        graph[field] = 0.5 + torch.rand(shape, generator=random)
    edge = Continuous(2) if field == "edge_attr" else None
    spec = replace(dataset.spec, edge=edge, weighted=field == "edge_weight")
    return replace(dataset, graphs=tuple(graphs), spec=spec)


def _outputs(model: str, dataset: Dataset) -> Tensor:
    """What the untrained model of seed 0 gives for the first graphs."""
    plan = small_plan(model, dataset)
    task = plan.make_task(0)
    learner = plan.make_learner(task, 0).eval()
    whole = dataset.spec.items == "nodes"
    with torch.no_grad():
        return learner.model(task.batches(SeedStream(0))[0] if whole else _batch(plan, dataset.graphs[:4]))


def check_gradients(model: str, name: str) -> None:
    """The loss reaches every parameter, in one of three draws of weights: in a small batch gradients may cancel."""
    missed = {key for key, _ in _learner(model, name)[1].named_parameters()}
    for seed in range(3):
        missed &= _missed(model, name, seed)
    assert not missed, f"no gradient reaches {sorted(missed)}"


def _missed(model: str, name: str, seed: int) -> set[str]:
    task, learner = _learner(model, name, seed)
    batches = task.batches(SeedStream(0))
    for step in range(len(batches)):
        if any(p.requires_grad for p in learner.parameters()):
            task.loss(learner, batches[step]).backward()
    return {key for key, p in learner.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0}


def check_mixed_precision(model: str, name: str) -> None:
    """A step in bfloat16, which `training.precision` may ask for, has a finite loss and finite gradients."""
    task, learner = _learner(model, name)
    with torch.autocast("cpu", torch.bfloat16):
        loss = task.loss(learner, task.batches(SeedStream(0))[0])
    assert loss.isfinite(), f"the loss of {model} is {loss.item()} in bfloat16"
    if loss.requires_grad:
        loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.parameters())


def check_overfit(model: str, name: str) -> None:
    """A hundred steps on one batch, at a high or a low learning rate, bring its loss down to under half. The weights
    are the first of three draws by which there is a loss."""
    if not list(_learner(model, name)[1].parameters()):
        return
    seed = next((seed for seed in range(3) if _first_loss(model, name, seed) > 0), None)
    assert seed is not None, "there is no loss to bring down"
    assert any(_overfits(model, name, seed, lr) for lr in (0.02, 0.002)), "the loss stays above half of what it was"


def _first_loss(model: str, name: str, seed: int) -> float:
    task, learner = _learner(model, name, seed)
    return task.loss(learner, task.batches(SeedStream(0))[0]).item()


def _overfits(model: str, name: str, seed: int, lr: float) -> bool:
    """Whether the loss came down; stops when it has."""
    task, learner = _learner(model, name, seed)
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
    task, learner = _learner(model, name)
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    file.seek(0)
    plan = small_plan(model, example(name))
    other = plan.make_learner(task, seed=1)
    other.load_state_dict(torch.load(file, weights_only=True))
    learner.eval()
    other.eval()
    with torch.no_grad():
        torch.testing.assert_close(
            task.predict(other, "validation"), task.predict(learner, "validation"), rtol=0, atol=0
        )


def check_repeatable(model: str, name: str) -> None:
    """The same seed gives the same weights and predictions, bit for bit."""
    task, first = _learner(model, name)
    _, second = _learner(model, name)
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
    able = [task.Config for task in tasks if (task.ability or task.name) in entry.cls.tasks]
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
    plan = small_plan(model, example(name))
    rows = []
    for device in ("cpu", "cuda"):
        task = plan.make_task(0, device)
        learner = plan.make_learner(task, 0).eval()
        with torch.no_grad():
            rows.append(task.predict(learner, "validation").cpu())
    torch.testing.assert_close(rows[0], rows[1], rtol=1e-3, atol=1e-4)


Check = Callable[[str, str], None]
MODEL_CHECKS: tuple[Check, ...] = (
    check_registration,
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
    check_bad_settings,
    check_parameter_counts,
    check_recipes,
)
