"""DistMult, ComplEx, TransE and RotatE against their formulas, in both directions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.core.errors import ConfigError, IncompatibleError
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model

N, R, D = 7, 3, 8
SPEC = DataSpec("triples", (FACT,), num_relations=R, num_entities=N, directed=True)
NOTHING = Data(num_nodes=N)
MODELS = ("distmult", "complex", "transe", "rotate")
CASES = [
    ("distmult", {}),
    ("complex", {}),
    ("transe", {"norm": 1}),
    ("transe", {"norm": 2, "margin": 3.0}),
    ("rotate", {"margin": 3.0}),
]


def as_complex(vector: Tensor) -> Tensor:
    return torch.complex(*vector.chunk(2))


def formula(name: str, settings: dict, h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    if name == "distmult":
        return (h * r * t).sum()
    if name == "complex":
        return (as_complex(h) * as_complex(r) * as_complex(t).conj()).sum().real
    if name == "rotate":
        return settings["margin"] - (as_complex(h) * torch.polar(torch.ones_like(r), r) - as_complex(t)).abs().sum()
    return settings.get("margin", 4.0) - torch.linalg.vector_norm(h + r - t, ord=settings["norm"])


def all_triples(num_relations: int) -> Tensor:
    return torch.cartesian_prod(torch.arange(N), torch.arange(num_relations), torch.arange(N))


def expected_scores(model, name: str, settings: dict, triples: Tensor) -> Tensor:
    entity, relation = model.entity.weight, model.relation.weight
    return torch.stack([formula(name, settings, entity[h], relation[r], entity[t]) for h, r, t in triples.tolist()])


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_scores_are_the_formula_for_a_relation_and_its_inverse(name, settings):
    torch.manual_seed(0)
    model = build_model(name, SPEC, {"dim": D, **settings}).eval()
    head, relation, tail = all_triples(R).unbind(1)
    expected = expected_scores(model, name, settings, all_triples(R))
    as_tail = model.score(NOTHING, head, relation, tail.unsqueeze(1)).squeeze(1)
    as_head = model.score(NOTHING, tail, relation + R, head.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(as_tail, expected)
    torch.testing.assert_close(as_head, expected)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_reciprocal_relations_have_vectors_of_their_own(name, settings):
    torch.manual_seed(0)
    model = build_model(name, SPEC, {"dim": D, "reciprocal": True, **settings}).eval()
    assert model.relation.num_embeddings == 2 * R
    head, relation, tail = all_triples(2 * R).unbind(1)
    expected = expected_scores(model, name, settings, all_triples(2 * R))
    torch.testing.assert_close(model.score(NOTHING, head, relation, tail.unsqueeze(1)).squeeze(1), expected)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_scoring_all_is_scoring_each(name, settings):
    torch.manual_seed(0)
    model = build_model(name, SPEC, {"dim": D, **settings}).eval()
    head, relation = torch.tensor([0, 3, 6]), torch.tensor([0, 2, 5])
    each = model.score(NOTHING, head, relation, torch.arange(N).expand(3, -1))
    torch.testing.assert_close(model.score(NOTHING, head, relation), each)


@pytest.mark.parametrize(
    ("name", "settings"), [("transe", {"norm": 2, "margin": 0.001}), ("rotate", {"margin": 0.001})]
)
def test_entities_close_to_each_other_are_told_apart(name, settings):
    """Vectors of norm 20, one where the query is and one .001 away."""
    model = build_model(name, SPEC, {"dim": D, **settings}).eval()
    with torch.no_grad():
        model.relation.weight.zero_()
        model.entity.weight.copy_(torch.full((N, D), 20 / D**0.5))
        model.entity.weight[1, 3] += 0.001
        scores = model.score(NOTHING, torch.tensor([0]), torch.tensor([0]))
    expected = torch.full((1, N), 0.001)
    expected[0, 1] = 0.0
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("regularizer", ["l2", "n3"])
@pytest.mark.parametrize("name", MODELS)
def test_penalty_is_the_power_of_the_moduli_of_each_factor(name, regularizer, reciprocal):
    torch.manual_seed(0)
    settings = {"dim": D, "regularizer": regularizer, "regularization": 0.5, "reciprocal": reciprocal}
    model = build_model(name, SPEC, settings)
    triples = torch.tensor([[0, 1, 2], [3, 0, 3], [6, 2, 1], [4, R + 1, 5]])
    power, total = {"l2": 2, "n3": 3}[regularizer], 0.0
    for h, r, t in triples.tolist():
        factors = [model.entity.weight[h], model.relation.weight[r if reciprocal else r % R], model.entity.weight[t]]
        if name == "rotate":
            factors[1] = torch.cat([factors[1].cos(), factors[1].sin()])
        moduli = [as_complex(f).abs() if name in ("complex", "rotate") else f.abs() for f in factors]
        total += sum(m.pow(power).sum().item() for m in moduli)
    assert model.penalty(*triples.unbind(1)).item() == pytest.approx(0.5 * total / len(triples), rel=1e-5)
    assert build_model(name, SPEC, {"dim": D}).penalty(*triples.unbind(1)) == 0.0


@pytest.mark.parametrize("name", ["complex", "rotate"])
def test_gradients_are_finite_where_a_modulus_is_zero(name):
    model = build_model(name, SPEC, {"dim": D, "regularization": 0.1})
    torch.nn.init.zeros_(model.entity.weight)
    triple = torch.tensor([0]), torch.tensor([1]), torch.tensor([2])
    (model.score(NOTHING, *triple[:2]).sum() + model.penalty(*triple)).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_new_entities_cannot_be_embedded(name):
    inductive = DataSpec("triples", (FACT,), num_relations=R, directed=True)
    with pytest.raises(IncompatibleError, match="nbfnet"):
        build_model(name, inductive, {})


@pytest.mark.parametrize("name", ["complex", "rotate"])
def test_complex_vectors_need_an_even_dim(name):
    with pytest.raises(ConfigError, match="dim"):
        build_model(name, SPEC, {"dim": 7})


@pytest.mark.parametrize("name", MODELS)
def test_dropout_is_for_training(name):
    model = build_model(name, SPEC, {"dim": D, "dropout": 0.5})
    query = NOTHING, torch.tensor([0]), torch.tensor([1])
    assert not torch.equal(model.train().score(*query), model.score(*query))
    assert torch.equal(model.eval().score(*query), model.score(*query))
