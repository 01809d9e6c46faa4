"""node2vec: its loss beside PyG's and by loops, its walks along training links, and what it learns."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import nn
from torch_geometric.nn import Node2Vec

import graphlab as gl
from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.core.seeds import SeedStream
from graphlab.data.spec import LINK, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.model.registry import build_model
from graphlab.model.zoo.node2vec import SEARCHED, skip_gram_loss
from graphlab.ops.biased_walks import ENDED
from graphlab.task.base import Shard
from graphlab.testing.examples import example
from tests.model.links import LINKS, N, graph_of

STREAM = SeedStream(0).child("step", 0)
SPEC = DataSpec("node-pairs", (LINK,), num_entities=N)
SMALL = {"embedding_dim": 8, "walk_length": 7, "walks_per_node": 3, "context_size": 2}


def drawn(num_walks: int = 12, length: int = 9, context: int = 3, negatives: int = 2):
    random = torch.Generator().manual_seed(0)
    vectors = torch.randn(20, 6, generator=random, dtype=torch.float64)
    walks = torch.randint(20, (num_walks, length), generator=random)
    return vectors, walks, torch.randint(20, (num_walks, length - context, negatives), generator=random), context


def by_loops(vectors, walks, negatives, context):
    total, z = 0.0, vectors.tolist()

    def logistic(u, v, sign):
        return math.log1p(math.exp(-sign * sum(a * b for a, b in zip(z[u], z[v], strict=True))))

    for walk, others in zip(walks.tolist(), negatives.tolist(), strict=True):
        for place, noise in enumerate(others):
            for v in walk[place + 1 : place + 1 + context]:
                if v != ENDED:
                    total += logistic(walk[place], v, 1) + sum(logistic(walk[place], n, -1) for n in noise)
    return total / (negatives.shape[0] * negatives.shape[1] * context)


def test_the_loss_is_the_published_sum():
    vectors, walks, negatives, context = drawn()
    assert skip_gram_loss(vectors, walks, negatives, context).item() == pytest.approx(
        by_loops(vectors, walks, negatives, context), rel=1e-9
    )
    walks[2, 4:], walks[5, 1:], walks[6, 6:] = ENDED, ENDED, ENDED
    assert skip_gram_loss(vectors, walks, negatives, context).item() == pytest.approx(
        by_loops(vectors, walks, negatives, context), rel=1e-9
    )


def test_the_loss_and_its_gradient_are_those_of_pyg():
    """On the same walks and negatives, one for each node. Its class asks for a library; its loss needs the table."""
    vectors, walks, negatives, context = drawn(negatives=1)
    table = nn.Embedding.from_pretrained(vectors.clone(), freeze=False)
    theirs = SimpleNamespace(embedding=table, embedding_dim=6, EPS=1e-15)
    num_centres = walks.shape[1] - context
    windows = torch.cat([walks[:, first : first + context + 1] for first in range(num_centres)])
    against = torch.stack([walks[:, :num_centres].T.flatten(), negatives[..., 0].T.flatten()], dim=1)
    expected = Node2Vec.loss(theirs, windows, against)
    ours = vectors.clone().requires_grad_()
    loss = skip_gram_loss(ours, walks, negatives, context)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    loss.backward()
    expected.backward()
    torch.testing.assert_close(ours.grad, table.weight.grad, rtol=1e-9, atol=1e-12)


def trained_on(links: torch.Tensor, **settings):
    """A model, and a graph of the training links."""
    torch.manual_seed(0)
    return build_model("node2vec", SPEC, {**SMALL, **settings}).double(), graph_of(None, links)


def test_walks_follow_training_links_and_other_vectors_have_no_gradient(monkeypatch):
    """With links of twelve nodes, and negatives among the same."""
    from graphlab.model.zoo import node2vec

    seen = []

    def spy(vectors, walks, negatives, context):
        seen.append((walks, negatives))
        return skip_gram_loss(vectors, walks, negatives, context)

    monkeypatch.setattr(node2vec, "skip_gram_loss", spy)
    links = LINKS[(LINKS < 12).all(1)]
    model, graph = trained_on(links, p=0.25, q=4.0)
    model.node_loss(graph, torch.arange(N), STREAM)
    ((walks, negatives),) = seen
    joined = {(u, v) for u, v in [*links.tolist(), *links.flip(1).tolist()]}
    assert walks.shape == (3 * N, 7) and negatives.shape == (3 * N, 5, 5)
    for walk in walks.tolist():
        assert all((u, v) in joined or v == ENDED for u, v in pairwise(walk))
        assert walk[1] != ENDED or not any(walk[0] in link for link in joined)


def test_negatives_are_drawn_by_degree():
    model, graph = trained_on(LINKS)
    noise = model._walker(graph.edge_index, N)[1]
    drawn_nodes = noise.draw(range(N), 20_000, stream=STREAM)
    weight = np.maximum(graph.edge_index[0].bincount(minlength=N).numpy(), 1) ** 0.75
    expected = drawn_nodes.size * weight / weight.sum()
    statistic = ((np.bincount(drawn_nodes.ravel(), minlength=N) - expected) ** 2 / expected).sum()
    assert stats.chi2.sf(statistic, N - 1) > 1e-4


def test_a_step_is_of_its_stream_and_its_shares_are_the_whole():
    model, graph = trained_on(LINKS)
    nodes = torch.randperm(N)
    whole = model.node_loss(graph, nodes, STREAM)
    assert torch.equal(whole, model.node_loss(graph, nodes, STREAM))
    assert not torch.equal(whole, model.node_loss(graph, nodes, STREAM.child("other")))
    parts = [Shard(rank, 3).of(nodes) for rank in range(3)]
    shared = sum(len(part) * model.node_loss(graph, part, STREAM) for part in parts) / N
    assert shared.item() == pytest.approx(whole.item(), rel=1e-12)


def test_a_graph_without_links_has_no_loss_and_no_gradient():
    model, graph = trained_on(LINKS[:0])
    loss = model.node_loss(graph, torch.arange(N), STREAM)
    loss.backward()
    assert loss.item() == 0 and not model.vectors.grad.any()


def test_the_score_is_the_dot_product():
    model, graph = trained_on(LINKS)
    z = model.encode(graph)
    pairs = torch.tensor([[0, 1], [33, 2], [4, 4]])
    torch.testing.assert_close(model(graph, pairs), (z @ z.T)[pairs[:, 0], pairs[:, 1]])
    torch.testing.assert_close(model.score_nodes(z, torch.tensor([3, 0])), (z @ z.T)[[3, 0]])


def two_blocks() -> nx.Graph:
    return nx.planted_partition_graph(2, 40, 0.3, 0.01, seed=0)


@pytest.mark.parametrize("bias", [{}, {"p": 0.25, "q": 4.0}])
def test_it_learns_which_block_a_node_is_of(bias, tmp_path):
    data = gl.dataset(two_blocks(), name="blocks", task="link-prediction", split="random-70/10/20")
    settings = {"walk_length": 20, "context_size": 5, "walks_per_node": 4, "embedding_dim": 16, "epochs": 30, **bias}
    runs = gl.run("node2vec", data, store=tmp_path, **settings)
    assert runs.summary().mean > 0.7
    trained = gl.restore(runs)
    vectors = trained.task.encoding(trained.learner)
    alike = F.normalize(vectors, dim=1) @ F.normalize(vectors, dim=1).T
    assert alike[:40, :40].mean() > alike[:40, 40:].mean() + 0.2


def test_the_recipe_is_the_published_one():
    plan = make_plan("node2vec", example("links"))
    config = plan.model_config
    assert (config.embedding_dim, config.walks_per_node, config.walk_length, config.context_size) == (128, 10, 80, 10)
    assert (config.p, config.q) == (1, 1) and SEARCHED == (0.25, 0.5, 1, 2, 4)
    assert plan.task_config.loss == "model"


def test_what_does_not_fit_is_refused():
    with pytest.raises(IncompatibleError, match="node2vec learns one vector"):
        build_model("node2vec", DataSpec("node-pairs", (LINK,)), {})
    for settings in ({"p": 0.0}, {"q": -1.0}, {"context_size": 80}, {"walk_length": 10}):
        with pytest.raises(ConfigError):
            build_model("node2vec", SPEC, settings)
    with pytest.raises(IncompatibleError, match=r"trained by a loss of its own.*task.loss=bce"):
        make_plan("node2vec", example("links"), {"task.loss": "bce"})
    with pytest.raises(IncompatibleError, match="has no loss of its own"):
        make_plan("gae", example("links"), {"task.loss": "model"})
