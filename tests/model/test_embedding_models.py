"""DistMult, ComplEx and TransE against their formulas, in both directions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.spec import DataSpec
from graphlab.model.registry import build_model

N, R, D = 7, 3, 8
SPEC = DataSpec(level="triple", num_outputs=0, num_relations=R, num_entities=N, directed=True)
NOTHING = Data(num_nodes=N)
MODELS = ("distmult", "complex", "transe")
CASES = [("distmult", {}), ("complex", {}), ("transe", {"norm": 1}), ("transe", {"norm": 2, "margin": 3.0})]


def formula(name: str, settings: dict, h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    if name == "distmult":
        return (h * r * t).sum()
    if name == "complex":
        h, r, t = (torch.complex(v[: D // 2], v[D // 2 :]) for v in (h, r, t))
        return (h * r * t.conj()).sum().real
    return settings.get("margin", 4.0) - torch.linalg.vector_norm(h + r - t, ord=settings["norm"])


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_scores_are_the_formula_for_a_relation_and_its_inverse(name, settings):
    torch.manual_seed(0)
    model = build_model(name, SPEC, {"dim": D, **settings}).eval()
    triples = torch.cartesian_prod(torch.arange(N), torch.arange(R), torch.arange(N))
    head, relation, tail = triples.unbind(1)
    expected = torch.stack(
        [
            formula(name, settings, model.entity.weight[h], model.relation.weight[r], model.entity.weight[t])
            for h, r, t in triples.tolist()
        ]
    )
    as_tail = model.score(NOTHING, head, relation, tail.unsqueeze(1)).squeeze(1)
    as_head = model.score(NOTHING, tail, relation + R, head.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(as_tail, expected)
    torch.testing.assert_close(as_head, expected)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_scoring_all_is_scoring_each(name, settings):
    torch.manual_seed(0)
    model = build_model(name, SPEC, {"dim": D, **settings}).eval()
    head, relation = torch.tensor([0, 3, 6]), torch.tensor([0, 2, 5])
    each = model.score(NOTHING, head, relation, torch.arange(N).expand(3, -1))
    torch.testing.assert_close(model.score(NOTHING, head, relation), each, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_new_entities_cannot_be_embedded(name):
    inductive = DataSpec(level="triple", num_outputs=0, num_relations=R, directed=True)
    with pytest.raises(IncompatibleError, match="nbfnet"):
        build_model(name, inductive, {})


def test_complex_needs_an_even_dim():
    with pytest.raises(ConfigError, match="dim"):
        build_model("complex", SPEC, {"dim": 7})


@pytest.mark.parametrize("name", MODELS)
def test_dropout_is_for_training(name):
    model = build_model(name, SPEC, {"dim": D, "dropout": 0.5})
    query = NOTHING, torch.tensor([0]), torch.tensor([1])
    assert not torch.equal(model.train().score(*query), model.score(*query))
    assert torch.equal(model.eval().score(*query), model.score(*query))
