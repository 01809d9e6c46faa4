"""What the outputs of a model keep to: renamed nodes, other graphs in the batch, pairs, layers, fields of edges."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.seeds import SeedStream
from graphlab.data.dataset import Dataset
from graphlab.data.item import find_items
from graphlab.data.spec import Continuous
from graphlab.experiment.plan import Plan
from graphlab.model.base import DirectedLinkModel, LinkModel, LinkScorer, Model, TripleModel
from graphlab.model.edges import FIELDS
from graphlab.model.layered import LayeredModel, layerwise
from graphlab.model.pair_model import PairModel
from graphlab.model.registry import find_model
from graphlab.model.subgraph.pairs import to_dense
from graphlab.task.base import Learner, Task
from graphlab.task.kinds.node_classification import NodeClassification
from graphlab.testing.small_models import (
    assert_close,
    batch_of,
    built,
    is_plain,
    plan_on_example,
    renumbered,
    small_plan,
)


def check_permutation(model: str, name: str) -> None:
    """Renaming the nodes renames the outputs and changes nothing else."""
    plan = plan_on_example(model, name)
    dataset = plan.dataset
    task, learner = built(model, name)
    learner.eval()
    order = torch.randperm(int(dataset.graph.num_nodes or 0), generator=SeedStream(1).torch())
    with torch.no_grad():
        if isinstance(learner.model, LinkScorer) and find_items(dataset.spec.items).are_edges:
            _check_linked_nodes_renamed(learner.model, dataset, order)
            return
        if isinstance(learner.model, TripleModel):
            _check_entities_renamed(learner.model, dataset, order)
            return
        _check_nodes_renamed(plan, task, learner)


def _check_nodes_renamed(plan: Plan, task: Task, learner: Learner) -> None:
    """Rows of nodes are renamed with them; what becomes of other rows stays the same."""
    dataset = plan.dataset
    graphs = dataset.graphs[:4] if find_items(dataset.spec.items).are_graphs else (_graph_of(task),)
    stream = SeedStream(1).torch()
    orders = [torch.randperm(int(graph.num_nodes or 0), generator=stream) for graph in graphs]
    renamed = [renumbered(graph, order) for graph, order in zip(graphs, orders, strict=True)]
    batches = [batch_of(plan, part) for part in (graphs, renamed)]
    before, after = learner.model(batches[0]), _with_renamed_rows(learner.model, orders[0])(batches[1])
    if len(before) == batches[0].num_nodes:
        first = torch.tensor([0, *(len(order) for order in orders)]).cumsum(0)
        assert_close(after, before[torch.cat([order + start for order, start in zip(orders, first, strict=False)])])
    if find_items(dataset.spec.items).are_graphs:
        assert_close(learner.head(after, batches[1]), learner.head(before, batches[0]))


def _with_renamed_rows(model: Model, order: Tensor) -> Model:
    """The model whose rows of nodes are renamed with these; the same one where it has none."""
    if not model.rows_of_nodes:
        return model
    renamed = deepcopy(model)
    for name in model.rows_of_nodes:
        parameter = renamed.get_parameter(name)
        assert len(parameter) == len(order), f"{name} has {len(parameter)} rows for {len(order)} nodes"
        parameter.copy_(parameter[order])
    return renamed


def _graph_of(task: Task) -> Data:
    """The graph of a first batch: the batch itself, or what models of nodes see where pairs of nodes are predicted."""
    batch = task.batches(SeedStream(0))[0]
    return batch if isinstance(batch, Data) else batch.graph


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


def _check_linked_nodes_renamed(model: LinkScorer, dataset: Dataset, order: Tensor) -> None:
    """A pair scores alike in both orders, or not where links have a direction; where nodes have no vectors of their
    own, under other names too."""
    graph, pairs = dataset.graph, dataset.split().validation[:, :2]
    scores = model(graph, pairs)
    assert scores.shape == (len(pairs),), f"scores of {len(pairs)} pairs have the shape {tuple(scores.shape)}"
    if isinstance(model, DirectedLinkModel):
        assert not torch.allclose(model(graph, pairs.flip(1)), scores), "(u, v) and (v, u) score alike"
    else:
        assert_close(model(graph, pairs.flip(1)), scores)
    if any(len(order) in vectors.shape for vectors in (*model.parameters(), *model.buffers())):
        return
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    assert_close(model(renumbered(graph, order), place[pairs]), scores)


def check_link_scores(model: str, name: str) -> None:
    """A link model's scores do not depend on how they are asked for: pair by pair or a source's candidates at once,
    all nodes or some in any order, sources together or apart, and where links have no direction from either end."""
    dataset = plan_on_example(model, name).dataset
    network = built(model, name)[1].eval().model
    if not isinstance(network, LinkScorer) or not find_items(dataset.spec.items).are_edges:
        return
    num_nodes = int(dataset.graph.num_nodes or 0)
    random = SeedStream(2).torch()
    sources = torch.randperm(num_nodes, generator=random)[:5]
    candidates = torch.randint(num_nodes, (len(sources), 7), generator=random)
    with torch.no_grad():
        encoding = network.encode(dataset.graph)
        whole = network.score_nodes(encoding, sources)
        assert whole.shape == (len(sources), num_nodes), f"scores of all nodes have the shape {tuple(whole.shape)}"
        pairs = torch.cartesian_prod(sources, torch.arange(num_nodes))
        assert_close(network.score_pairs(encoding, pairs).view_as(whole), whole)
        assert_close(network(dataset.graph, pairs).view_as(whole), whole)
        some = network.score_nodes(encoding, sources, candidates)
        assert_close(some, whole.gather(1, candidates))
        order = torch.randperm(candidates.size(1), generator=random)
        assert_close(network.score_nodes(encoding, sources, candidates[:, order]), some[:, order])
        parts = [network.score_nodes(encoding, few) for few in sources.split(2)]
        assert_close(torch.cat(parts), whole)
        if isinstance(network, LinkModel):
            assert_close(whole[:, sources], whole[:, sources].T)


def check_isolation(model: str, name: str) -> None:
    """What a graph gets does not depend on the graphs it is batched with."""
    dataset = plan_on_example(model, name).dataset
    if dataset.spec.items != "graphs":
        return
    task, learner = built(model, name)
    learner.eval()
    with torch.no_grad():
        together = task.predict(learner, "test")
        parts = dataset.split().test
        alone = [learner.head(learner.model(b), b) for b in (task.collate(parts[i : i + 1]) for i in range(len(parts)))]  # pyright: ignore[reportAttributeAccessIssue]
    assert_close(torch.cat(alone), together)


def check_pair_tensor(model: str, name: str) -> None:
    """The tensor of a model of pairs has a row a pair; its rows and columns are renamed with the nodes, and neither it
    nor what is read from it depends on larger and smaller graphs of the batch."""
    plan = plan_on_example(model, name)
    network = built(model, name)[1].eval().model
    if not isinstance(network, PairModel):
        return
    large = plan.dataset.graphs[0].clone()
    size = int(large.num_nodes or 0)
    small = large.subgraph(torch.arange(size // 2))
    order = torch.randperm(size, generator=SeedStream(1).torch())
    with torch.no_grad():
        tensors, rows = {}, {}
        for key, graphs in {"both": (small, large), "small": (small,), "renamed": (renumbered(large, order),)}.items():
            batch = batch_of(plan, graphs)
            (pairs, h), rows[key] = network.pair_tensor(batch), network(batch)
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
    task, learner = built(model, name)
    if isinstance(learner.model, LayeredModel) and isinstance(task, NodeClassification):
        graph = task.batches(SeedStream(0))[0]
        learner.eval()
        assert_close(layerwise(learner.model, graph, max_numbers=200), learner.model(graph))


def check_edge_fields(model: str, name: str) -> None:
    """Other numbers in a field of edges change the outputs if the model says that it reads the field, and only then."""
    dataset = plan_on_example(model, name).dataset
    if not is_plain(dataset):
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
        return learner.model(task.batches(SeedStream(0))[0] if whole else batch_of(plan, dataset.graphs[:4]))
