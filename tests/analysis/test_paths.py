"""The most important paths: what they are is checked by trying all walks, and their directions by hand."""

from __future__ import annotations

from itertools import combinations, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_geometric.data import Data

from graphlab.analysis.paths import edge_importance, require_paths, top_paths
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.spec import FACT, DataSpec
from graphlab.model.registry import build_model

R = 2
SPEC = DataSpec("triples", (FACT,), num_relations=R, num_entities=4, directed=True)
AGGREGATES = ["sum", "pna", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mean", "max"))]


def all_walks(edge_index: Tensor, importance: Tensor, head: int, tail: int) -> dict[tuple[int, ...], float]:
    """Every walk that passes head and tail at its ends alone, with its importance: the best mean over all ways to
    spread its edges over the layers."""
    layers, edges = importance.shape
    sources, targets = edge_index.tolist()
    worth = importance.tolist()
    found = {}
    for length in range(1, layers + 1):
        for walk in product(range(edges), repeat=length):
            source, target = [sources[e] for e in walk], [targets[e] for e in walk]
            if [head, *target] != [*source, tail] or (head != tail and {head, tail} & set(source[1:])):
                continue
            chosen = combinations(range(layers), length)
            found[walk] = max(sum(worth[x][e] for x, e in zip(c, walk, strict=True)) for c in chosen)
            found[walk] /= length
    return found


@st.composite
def small_graphs(draw):
    nodes, edges, layers = draw(st.integers(1, 4)), draw(st.integers(1, 8)), draw(st.integers(1, 4))
    ends = st.lists(st.integers(0, nodes - 1), min_size=edges, max_size=edges)
    weight = st.floats(-2, 2, allow_nan=False) | st.sampled_from([-1.0, 0.0, 0.5, 1.0])
    rows = st.lists(st.lists(weight, min_size=edges, max_size=edges), min_size=layers, max_size=layers)
    edge_index = torch.tensor([draw(ends), draw(ends)])
    return edge_index, torch.tensor(draw(rows), dtype=torch.float64), nodes, draw(st.integers(0, nodes - 1))


@settings(deadline=None, max_examples=120)
@given(small_graphs(), st.integers(1, 25))
def test_the_paths_are_the_best_of_all_walks(graph, k):
    edge_index, importance, nodes, tail = graph
    expected = all_walks(edge_index, importance, 0, tail)
    found = top_paths(edge_index, importance, nodes, 0, tail, k)
    best = sorted(expected.values(), reverse=True)[:k]
    assert [path.importance for path in found] == pytest.approx(best, abs=1e-9)
    assert len({path.edges for path in found}) == len(found)
    for path in found:
        assert path.importance == pytest.approx(expected[path.edges], abs=1e-9)


def test_a_walk_may_wait_between_its_steps():
    edge_index = torch.tensor([[0, 1], [1, 2]])
    importance = torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    (path,) = top_paths(edge_index, importance, 3, 0, 2)
    assert (path.edges, path.importance) == ((0, 1), 2.0)


def test_where_no_walk_leads_there_is_no_path():
    assert top_paths(torch.tensor([[1], [0]]), torch.ones(3, 1), 2, 0, 1) == []


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_a_number_of_paths_that_cannot_be(k):
    with pytest.raises(InputError, match="paths"):
        top_paths(torch.tensor([[0], [1]]), torch.ones(1, 1), 2, 0, 1, k)


def world() -> Data:
    """0 -r-> 1, 2 -s-> 1 and 2 -r-> 3: from 0 to 3 one walks r, then s against its direction, then r."""
    return Data(edge_index=torch.tensor([[0, 2, 2], [1, 1, 3]]), edge_type=torch.tensor([0, 1, 0]), num_nodes=4)


def nbfnet(**choices):
    torch.manual_seed(0)
    return build_model("nbfnet", SPEC, {"dim": 8, "num_layers": 3, **choices}).eval()


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_the_only_path_is_found_and_walked_in_the_model_s_direction(aggregate):
    """Facts 0, 1, 2 are edges 0, 1, 2 and their inverses 3, 4, 5."""
    graph = world()
    walked = torch.cat([graph.edge_index, graph.edge_index.flip(0)], dim=1)
    importance = edge_importance(nbfnet(aggregate=aggregate), graph, head=0, relation=1, tail=3)
    (path,) = top_paths(walked, importance, 4, 0, 3)
    assert path.edges == (0, 4, 2)


def test_the_first_layer_s_edges_leave_the_head_and_the_last_layer_s_reach_the_tail():
    """Sum and no shortcut through normalisation: a message from elsewhere carries nothing in the first layer."""
    importance = edge_importance(nbfnet(aggregate="sum", residual=False), world(), head=0, relation=1, tail=3)
    assert importance[0].nonzero().flatten().tolist() == [0]
    assert importance[2].nonzero().flatten().tolist() == [2]


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_importance_is_the_change_of_the_score_with_the_edge_s_weight(aggregate):
    graph, model = world(), nbfnet(aggregate=aggregate, dependent=False).double()
    query = torch.tensor([0]), torch.tensor([1]), torch.tensor([[3]])
    importance = edge_importance(model, graph, head=0, relation=1, tail=3)
    assert importance.shape == (3, 6)

    def score(layer: int, edge: int, weight: float) -> float:
        weights = torch.ones(3, 6, dtype=torch.float64)
        weights[layer, edge] = weight
        with torch.no_grad():
            return float(model.score(graph, *query, edge_weights=list(weights)))

    step = 1e-6
    slopes = [[(score(x, e, 1 + step) - score(x, e, 1 - step)) / (2 * step) for e in range(6)] for x in range(3)]
    torch.testing.assert_close(importance.double(), torch.tensor(slopes, dtype=torch.float64), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("aggregate", ["sum", "mean"])
def test_over_many_scales_importances_add_up_to_what_the_graph_adds_to_the_score(aggregate):
    graph, model = world(), nbfnet(aggregate=aggregate, layer_norm=False).double()
    query = torch.tensor([0]), torch.tensor([1]), torch.tensor([[3]])
    importance = edge_importance(model, graph, head=0, relation=1, tail=3, scales=200)
    with torch.no_grad():
        whole, none = (
            float(model.score(graph, *query, edge_weights=list(torch.full((3, 6), w).double()))) for w in (1.0, 0.0)
        )
    assert float(importance.sum()) == pytest.approx(whole - none, rel=1e-2)


def test_no_scale_is_no_gradient():
    with pytest.raises(InputError, match="0 scales"):
        edge_importance(nbfnet(), world(), head=0, relation=1, tail=3, scales=0)


def test_a_model_without_paths_says_so():
    with pytest.raises(IncompatibleError, match="DistMult does not score by paths"):
        require_paths(build_model("distmult", SPEC, {"dim": 8}))
