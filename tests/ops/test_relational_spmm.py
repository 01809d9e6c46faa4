"""relational_spmm against a slow loop, a hand-computed graph, and the properties that a product must have."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.core.errors import InputError
from graphlab.ops.relational_spmm import Pairs, RelationalGraph, reference, relational_spmm_pairs
from graphlab.ops.relational_spmm import relational_spmm as of_graph
from graphlab.ops.relational_spmm.cpu import cpu
from graphlab.ops.relational_spmm.signature import Product

MESSAGES = ("transe", "distmult", "rotate")
REDUCES = ("sum", "mean", "max", "min", "pna")
OFTEN = {("transe", "sum"), ("distmult", "mean"), ("rotate", "max"), ("transe", "min"), ("distmult", "pna")}
"""Each message and each reduction at least once. All others are slow tests, as each is compiled on its own."""
PRODUCTS = [
    pytest.param(*pair, marks=[] if pair in OFTEN else [pytest.mark.slow]) for pair in product(MESSAGES, REDUCES)
]
N, E, R, B, D = 7, 23, 3, 2, 4


def relational_spmm(edge_index, edge_type, relation, x, **options) -> Tensor:
    return of_graph(RelationalGraph(edge_index, edge_type, x.size(0)), relation, x, **options)


def slow_message(node: Tensor, relation: Tensor, message: str) -> Tensor:
    if message == "transe":
        return node + relation
    if message == "distmult":
        return node * relation
    half = D // 2
    turned = torch.complex(node[:half], node[half:]) * torch.complex(relation[:half], relation[half:])
    return torch.cat([turned.real, turned.imag])


def slow_reduce(messages: list[Tensor], reduce: str) -> Tensor:
    if reduce == "pna":
        mean = slow_reduce(messages, "mean")
        square = slow_reduce([m**2 for m in messages], "mean")
        deviation = (square - mean**2).clamp(min=1e-6).sqrt()
        return torch.cat([mean, slow_reduce(messages, "max"), slow_reduce(messages, "min"), deviation])
    if not messages:
        return torch.zeros(D, dtype=torch.float64)
    stack = torch.stack(messages)
    return {"sum": stack.sum(0), "mean": stack.mean(0), "max": stack.amax(0), "min": stack.amin(0)}[reduce]


def slow(edge_index, edge_type, relation, x, *, edge_weight, edge_mask, boundary, message, reduce) -> Tensor:
    """The definition, one edge and one query at a time."""
    rows = []
    for v, b in product(range(x.size(0)), range(x.size(1))):
        messages = []
        for e, (source, target) in enumerate(edge_index.T.tolist()):
            present = edge_mask is None or bool(edge_mask[e])
            if target != v or not present:
                continue
            r = relation[edge_type[e]] if relation.dim() == 2 else relation[edge_type[e], b]
            weight = 1.0 if edge_weight is None else edge_weight[e]
            messages.append(weight * slow_message(x[source, b], r, message))
        if boundary is not None:
            messages.append(boundary[v, b])
        rows.append(slow_reduce(messages, reduce))
    return torch.stack(rows).view(x.size(0), x.size(1), -1)


def random_problem(seed: int, *, per_query: bool, masked: str, weighted: str, bounded: bool) -> dict:
    g = torch.Generator().manual_seed(seed)
    shapes = {"none": None, "edge": (E,), "query": (E, B)}
    mask, weight = shapes[masked], shapes[weighted]
    edge_index = torch.randint(0, N - 1, (2, E), generator=g)
    edge_index[1, 0] = N - 1  # the last node receives exactly one message, and node 0 may receive none
    edge_index[1, 1:] = edge_index[1, 1:].clamp(min=1)
    return {
        "edge_index": edge_index,
        "edge_type": torch.randint(0, R, (E,), generator=g),
        "relation": torch.randn(*((R, B, D) if per_query else (R, D)), generator=g, dtype=torch.float64),
        "x": torch.randn(N, B, D, generator=g, dtype=torch.float64),
        "edge_mask": None if mask is None else torch.rand(*mask, generator=g) > 0.4,
        "edge_weight": None if weight is None else torch.randn(*weight, generator=g, dtype=torch.float64),
        "boundary": torch.randn(N, B, D, generator=g, dtype=torch.float64) if bounded else None,
    }


@pytest.mark.parametrize(("message", "reduce"), PRODUCTS)
def test_equals_the_definition(message, reduce):
    for seed, (per_query, masked, weighted, bounded) in enumerate(
        product((False, True), ("none", "edge"), ("none", "edge"), (False, True))
    ):
        problem = random_problem(seed, per_query=per_query, masked=masked, weighted=weighted, bounded=bounded)
        expected = slow(**problem, message=message, reduce=reduce)
        found = relational_spmm(**problem, message=message, reduce=reduce)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("message", "reduce"), PRODUCTS)
@pytest.mark.parametrize("masked", ["none", "edge"])
def test_gradients(message, reduce, masked):
    problem = random_problem(1, per_query=True, masked=masked, weighted="edge", bounded=True)
    learnt = [problem.pop(name).requires_grad_() for name in ("relation", "x", "edge_weight", "boundary")]

    def function(relation, x, edge_weight, boundary):
        return relational_spmm(
            **problem,
            relation=relation,
            x=x,
            edge_weight=edge_weight,
            boundary=boundary,
            message=message,
            reduce=reduce,
        )

    assert torch.autograd.gradcheck(function, learnt, fast_mode=True)


def test_four_nodes_by_hand():
    """0 -a-> 1, 0 -b-> 3, 1 -b-> 3, 2 -a-> 1 with a = 10, b = 100: messages run from source to target."""
    edge_index = torch.tensor([[0, 0, 1, 2], [1, 3, 3, 1]])
    edge_type = torch.tensor([0, 1, 1, 0])
    relation = torch.tensor([[10.0], [100.0]])
    x = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(4, 1, 1)

    def out(message, reduce, **options):
        return relational_spmm(edge_index, edge_type, relation, x, message=message, reduce=reduce, **options).flatten()

    assert out("distmult", "sum").tolist() == [0, 40, 0, 300]
    assert out("distmult", "mean").tolist() == [0, 20, 0, 150]
    assert out("distmult", "max").tolist() == [0, 30, 0, 200]
    assert out("distmult", "min").tolist() == [0, 10, 0, 100]
    assert out("transe", "sum").tolist() == [0, 24, 0, 203]
    mask = torch.tensor([True, True, False, True])
    assert out("distmult", "sum", edge_mask=mask).tolist() == [0, 40, 0, 100]
    assert out("distmult", "mean", boundary=x).tolist() == [1, 14, 3, pytest.approx(304 / 3)]
    assert RelationalGraph(edge_index, edge_type, 4).incoming_count(mask).flatten().tolist() == [0, 2, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2)), max_size=30))
def test_rows_and_runs_hold_every_edge_once_and_a_run_one_type(edges):
    source, target, kind = torch.tensor(edges, dtype=torch.int64).view(-1, 3).t().contiguous()
    graph = RelationalGraph(torch.stack([source, target]), kind, 5)
    rows, runs = graph.by_target, graph.runs
    found = []
    for v in range(5):
        assert runs.begin[runs.run[v]] == rows.start[v] and runs.begin[runs.run[v + 1]] == rows.start[v + 1]
        kinds = []
        for j in range(runs.run[v], runs.run[v + 1]):
            places = range(runs.begin[j], runs.begin[j + 1])
            kinds.append({int(rows.kind[i]) for i in places})
            found += [(int(rows.edge[i]), int(rows.other[i]), v, int(rows.kind[i])) for i in places]
        assert all(len(of_run) == 1 for of_run in kinds) and len(set.union(set(), *kinds)) == len(kinds)
    assert sorted(found) == [(e, *edge) for e, edge in enumerate(edges)]


@pytest.mark.parametrize("path", [cpu, reference])
@pytest.mark.parametrize("reduce", ["max", "min"])
def test_extremes_of_zero_share_evenly(path, reduce):
    """Two messages of 0, which is also what a node without messages has."""
    graph = RelationalGraph(torch.tensor([[0, 1], [2, 2]]), torch.tensor([0, 0]), 3)
    x = torch.zeros(3, 1, 1, dtype=torch.float64, requires_grad=True)
    relation = torch.zeros(1, 1, dtype=torch.float64)
    path(Product(graph, relation, x, None, None, None, "transe", reduce))[2].sum().backward()
    assert x.grad is not None and x.grad.flatten().tolist() == [0.5, 0.5, 0]


def random_pairs(seed: int, *, per_slot: bool) -> dict:
    """9 results over 3 slots; 11 rows of x."""
    g = torch.Generator().manual_seed(seed)
    problem = random_problem(seed, per_query=False, masked="edge", weighted="edge", bounded=False)
    slots, results, rows = 3, 9, 11
    pairs = Pairs(
        torch.randint(N, (results,), generator=g),
        torch.randint(slots, (results,), generator=g),
        torch.randint(rows, (slots, N), generator=g, dtype=torch.int32),
    )
    graph = RelationalGraph(problem.pop("edge_index"), problem.pop("edge_type"), N)
    shape = (slots, R, D) if per_slot else (R, D)
    return problem | {
        "graph": graph,
        "pairs": pairs,
        "x": torch.randn(rows, D, generator=g, dtype=torch.float64),
        "relation": torch.randn(*shape, generator=g, dtype=torch.float64),
        "boundary": torch.randn(results, D, generator=g, dtype=torch.float64),
    }


@pytest.mark.parametrize("per_slot", [False, True])
@pytest.mark.parametrize(("message", "reduce"), PRODUCTS)
def test_pairs_are_rows_of_the_whole_product(message, reduce, per_slot):
    """Each pair is one row of a product over the whole graph with the sources that its slot sees."""
    problem = random_pairs(0, per_slot=per_slot)
    found = relational_spmm_pairs(**problem, message=message, reduce=reduce)
    pairs, boundary = problem.pop("pairs"), problem.pop("boundary")
    for p, (node, slot) in enumerate(zip(pairs.node, pairs.slot, strict=True)):
        whole = problem | {
            "x": problem["x"][pairs.place[slot].long()].unsqueeze(1),
            "relation": problem["relation"][slot] if per_slot else problem["relation"],
            "boundary": boundary[p].expand(N, 1, D),
        }
        expected = of_graph(**whole, message=message, reduce=reduce)[node, 0]
        torch.testing.assert_close(found[p], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("reduce", REDUCES)
def test_gradients_of_pairs(reduce, threads):
    problem = random_pairs(1, per_slot=True)
    learnt = ("relation", "x", "edge_weight", "boundary")

    def function(*values):
        return relational_spmm_pairs(**problem | dict(zip(learnt, values, strict=True)), reduce=reduce)

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        assert torch.autograd.gradcheck(function, [problem[name].requires_grad_() for name in learnt], fast_mode=True)
    finally:
        torch.set_num_threads(before)


def test_pairs_that_are_not_there():
    problem = random_pairs(0, per_slot=True)
    pairs = problem["pairs"]
    for wrong, said in (
        (replace(pairs, node=pairs.node + N), "node"),
        (replace(pairs, slot=pairs.slot - 9), "slot"),
        (replace(pairs, place=pairs.place + 11), "place"),
        (replace(pairs, place=pairs.place.long()), "place is torch.int64"),
    ):
        with pytest.raises(InputError, match=said):
            relational_spmm_pairs(**problem | {"pairs": wrong})


@pytest.mark.parametrize("reduce", ["sum", "max", "pna"])
@pytest.mark.parametrize("queries", [1, 20])
def test_threads_change_nothing_but_the_last_bits(reduce, queries):
    """Several blocks of columns and, for one query, several chunks of rows."""
    g = torch.Generator().manual_seed(0)
    graph = RelationalGraph(torch.randint(50, (2, 400), generator=g), torch.randint(R, (400,), generator=g), 50)
    given = [torch.randn(*shape, generator=g).requires_grad_() for shape in ((R, queries, 32), (50, queries, 32))]

    def forward_and_back():
        out = of_graph(graph, *given, reduce=reduce)
        return [out, *torch.autograd.grad(out.square().sum(), given)]

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = forward_and_back()
    torch.set_num_threads(3)
    try:
        together, again = forward_and_back(), forward_and_back()
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(together, again, strict=True))
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)


@given(seed=st.integers(0, 10_000), pair=st.sampled_from(sorted(OFTEN)))
@settings(max_examples=60, deadline=None)
def test_order_of_edges_does_not_matter(seed, pair):
    message, reduce = pair
    problem = random_problem(seed, per_query=True, masked="edge", weighted="edge", bounded=False)
    order = torch.randperm(E, generator=torch.Generator().manual_seed(seed))
    shuffled = problem | {
        "edge_index": problem["edge_index"][:, order],
        **{name: problem[name][order] for name in ("edge_type", "edge_mask", "edge_weight")},
    }
    first = relational_spmm(**problem, message=message, reduce=reduce)
    second = relational_spmm(**shuffled, message=message, reduce=reduce)
    torch.testing.assert_close(first, second, rtol=0, atol=1e-9)


@pytest.mark.parametrize("reduce", REDUCES)
def test_no_edges_at_all(reduce):
    x = torch.ones(3, 1, 2)
    none = torch.zeros(2, 0, dtype=torch.int64)
    out = relational_spmm(none, none[0], torch.ones(1, 2), x, reduce=reduce)
    expected = torch.zeros(3, 1, 8) if reduce == "pna" else torch.zeros(3, 1, 2)
    expected[..., 6:] = 1e-3
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("reduce", REDUCES)
@pytest.mark.parametrize("per_query", [True, False])
def test_no_queries_at_all(reduce, per_query):
    x = torch.ones(3, 0, 2, requires_grad=True)
    relation = torch.ones(1, 0, 2, requires_grad=True) if per_query else torch.ones(1, 2, requires_grad=True)
    edges = torch.tensor([[0, 1], [1, 2]])
    out = relational_spmm(edges, torch.zeros(2, dtype=torch.int64), relation, x, reduce=reduce)
    assert out.shape == (3, 0, 8 if reduce == "pna" else 2)
    out.sum().backward()
    assert x.grad.shape == x.shape and torch.equal(relation.grad, torch.zeros_like(relation))


@pytest.mark.parametrize("reduce", REDUCES)
def test_repeats_bit_for_bit(reduce):
    problem = random_problem(3, per_query=True, masked="edge", weighted="edge", bounded=True)
    first, second = (relational_spmm(**problem, reduce=reduce) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"message": "conve"}, "no message"),
        ({"reduce": "median"}, "no reduce"),
        ({"x": torch.zeros(N, D, dtype=torch.float64)}, "x has shape"),
        ({"edge_index": torch.zeros(2, E + 1, dtype=torch.int64)}, "edge_index has shape"),
        ({"edge_type": torch.zeros(E)}, "edge_type is torch.float32"),
        ({"relation": torch.zeros(R, D + 1, dtype=torch.float64)}, "relation has shape"),
        ({"relation": torch.zeros(R, D)}, "relation is torch.float32"),
        ({"edge_mask": torch.ones(E, dtype=torch.int64)}, "edge_mask is torch.int64"),
        ({"edge_weight": torch.ones(E - 1, dtype=torch.float64)}, "edge_weight has shape"),
        ({"boundary": torch.ones(N, B, 1, dtype=torch.float64)}, "boundary has shape"),
    ],
)
def test_bad_arguments(change, said):
    problem = random_problem(0, per_query=False, masked="none", weighted="none", bounded=False)
    with pytest.raises(InputError, match=said):
        relational_spmm(**(problem | change))


def test_rotate_needs_pairs():
    x = torch.zeros(2, 1, 3)
    with pytest.raises(InputError, match="even"):
        relational_spmm(torch.tensor([[0], [1]]), torch.tensor([0]), torch.zeros(1, 3), x, message="rotate")
