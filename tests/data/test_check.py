"""What a data set of nodes, graphs or links must be: each case is converted with a notice, noticed, or one error."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T
from torch_geometric.data import Data

from graphlab.core.errors import DataError, InputError
from graphlab.data.check import check
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.links import unordered
from graphlab.data.load import load
from graphlab.data.registry import DATASETS
from graphlab.data.spec import Categorical, Continuous, DataSpec
from graphlab.experiment.plan import make_plan
from graphlab.testing.examples import EXAMPLES, example

NODE, GRAPH = "node-classification", "graph-classification"


def with_graph(name: str, place: int = 0, spec: dict | None = None, **values) -> Dataset:
    """An example of which one graph has other attributes; None removes one."""
    data = example(name)
    graph = data.graphs[place].clone()
    for key, value in values.items():
        if value is None:
            del graph[key]
        else:
            graph[key] = value
    graphs = (*data.graphs[:place], graph, *data.graphs[place + 1 :])
    return replace(data, graphs=graphs, spec=replace(data.spec, **spec or {}))


def with_split(name: str, **parts) -> Dataset:
    data = example(name)
    split = Split(**{**dict(data.split().parts()), **parts})
    return replace(data, splits=Splits("mine", fixed=(split,)))


def refusal(data: Dataset, words: str, hint: str = "") -> None:
    with pytest.raises(InputError, match=words) as caught:
        check(data)
    assert data.name in caught.value.message
    assert caught.value.hint and hint in caught.value.hint


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_right_comes_back_as_it_is(name):
    data = example(name)
    checked = check(data)
    assert check(checked) is checked
    if data.spec.level not in ("triple", "mixture"):  # of which an entity is in no fact
        assert checked is data
    assert not any("converted" in notice for notice in checked.notices)
    assert checked.graphs[0] is data.graphs[0] and checked.splits is data.splits and checked.spec is data.spec


def test_the_class_of_the_error_says_where_data_come_from():
    data = with_graph(NODE, edge_index=None)
    with pytest.raises(InputError, match="has no edge_index"):
        check(data)
    with pytest.raises(DataError, match="has no edge_index") as caught:
        check(data, DataError)
    assert caught.value.hint and caught.value.exit_code == 1


# What numbers nodes and edges carry.


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        (lambda x: x.double(), "x from float64 to float32"),
        (lambda x: x.double() + 1e-12, "x from float64 to float32, rounded"),
        (lambda x: x.half(), "x from float16 to float32"),
        (lambda x: x.bfloat16(), "x from bfloat16 to float32"),
        (lambda x: x.round().long(), "x from int64 to float32"),
        (lambda x: x > 0, "x from bool to float32"),
        (lambda x: x.numpy(), "x from an array to a tensor"),
    ],
)
def test_features_of_other_types_are_converted(values, notice):
    before = values(example(NODE).graph.x)
    data = with_graph(NODE, x=before)
    checked = check(data)
    assert checked.notices == (f"converted: {notice}",)
    assert checked.graph.x.dtype == torch.float32
    np.testing.assert_allclose(checked.graph.x.numpy(), np.asarray(torch.as_tensor(before).double()), rtol=1e-6)
    assert data.graph.x is before  # the caller's data are as they were
    assert check(checked) is checked


@pytest.mark.parametrize("dtype", [">f4", "<f8", "longdouble", ">i2", "uint16", "uint32", "uint64"])
def test_arrays_of_any_byte_order_and_width_are_read(dtype):
    x = np.arange(120).reshape(24, 5)
    graph = example(NODE).graph
    edges, y = (graph[key].numpy().astype(dtype if "f" not in dtype and dtype != "longdouble" else ">i4")
                for key in ("edge_index", "y"))  # fmt: skip
    checked = check(with_graph(NODE, x=x.astype(dtype), edge_index=edges, y=y))
    np.testing.assert_array_equal(checked.graph.x.numpy(), x)
    assert checked.graph.x.dtype == torch.float32
    assert torch.equal(checked.graph.edge_index, graph.edge_index) and torch.equal(checked.graph.y, graph.y)
    ids = example(NODE).split().train.numpy().astype(edges.dtype)
    assert torch.equal(with_split(NODE, train=ids).split().train, example(NODE).split().train)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_tensors_that_numpy_would_not_take_have_fingerprints():
    lazy = torch.ones(3, dtype=torch.complex64).conj()
    data = with_graph(NODE, a=lazy, b=torch.imag(lazy), c=torch.ones(3, requires_grad=True), d=torch.ones(1)[:0])
    checked = check(data)
    assert len(checked.fingerprint) == 64
    assert checked.fingerprint == with_graph(NODE, a=lazy.resolve_conj(), b=-torch.zeros(3), c=torch.ones(3),
                                             d=torch.empty(0)).fingerprint  # fmt: skip
    assert with_graph(NODE, x=example(NODE).graph.x.bfloat16()).fingerprint != example(NODE).fingerprint
    refusal(with_graph(NODE, extra=torch.ones(3).bfloat16()), "has extra, a tensor of bfloat16", "del data.extra")
    quantized = torch.quantize_per_tensor(example(NODE).graph.x, 0.1, 0, torch.quint8)
    refusal(with_graph(NODE, x=quantized), "x as a quantized tensor", "x.dequantize()")


def test_features_in_one_dimension_are_a_column():
    data = with_graph(NODE, x=torch.arange(24.0), spec={"node": Continuous(1)})
    checked = check(data)
    assert checked.notices == ("converted: x from one dimension to one column",)
    assert checked.graph.x.tolist() == [[float(k)] for k in range(24)]
    words = with_graph(NODE, x=torch.arange(24, dtype=torch.int32), spec={"node": Categorical((24,))})
    assert check(words).graph.x.tolist() == [[k] for k in range(24)]
    refusal(with_graph(NODE, x=torch.ones(24)), r"x of the shape \[24\], not \[24, 5\]")


def test_edge_attributes_as_gdc_leaves_them():
    data = load("karate", transform=T.GDC())
    assert data.spec.edge is None and data.spec.weighted
    assert data.graph.edge_weight.shape == (data.graph.num_edges,) and "edge_attr" not in data.graph
    assert "edge_attr has one number an edge and is read as edge_weight" in data.notices


def test_conversions_are_counted_over_graphs():
    data = example("graph-regression")
    graphs = tuple(Data(x=g.x.double(), edge_index=g.edge_index, y=g.y) for g in data.graphs)
    assert check(replace(data, graphs=graphs)).notices == ("converted: x from float64 to float32, in 24 of 24 graphs",)


@pytest.mark.parametrize(
    ("values", "words", "hint"),
    [
        ({"x": torch.full((24, 5), 1e300, dtype=torch.float64)}, "numbers that float32 cannot hold", "scale"),
        ({"x": torch.full((24, 5), 2**24 + 1)}, "16,777,217, which float32 may not hold", "Categorical"),
        ({"x": torch.ones(24, 5, dtype=torch.complex64)}, "x of complex64", "columns"),
        ({"x": torch.ones(24, 5).to_sparse()}, "x as a sparse tensor", "to_dense"),
        ({"x": [[1.0] * 5] * 24}, "x as a list", "tensor"),
        ({"x": torch.ones(24, 4)}, r"x of the shape \[24, 4\], not \[24, 5\]", "Continuous"),
        ({"x": torch.ones(23, 5), "num_nodes": 24}, r"\[23, 5\], not \[24, 5\]", "24 nodes"),
        ({"x": None, "num_nodes": 24}, "has no x, and spec.node is Continuous", "spec.node=None"),
        ({"edge_attr": torch.ones(7, 2)}, r"has edge_attr of \[7, 2\], and spec.edge says", "spec.edge=Continuous"),
        ({"num_nodes": -3}, "num_nodes=-3", "whole number"),
        ({"num_nodes": 24.0}, r"num_nodes=24\.0", "whole number"),
        ({"edge_weight": torch.ones(3)}, r"edge_weight of the shape \[3\]", "one number an edge"),
        ({"helper": float("nan")}, "has helper, a float, which is neither a tensor nor finite", "del data.helper"),
        ({"helper": object()}, "has helper, a object, which is neither a tensor", "del data.helper"),
    ],
)
def test_features_without_a_plain_meaning(values, words, hint):
    refusal(with_graph(NODE, **values), words, hint)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_found(value):
    x = example(NODE).graph.x.clone()
    x[7, 3] = x[9, 0] = value
    refusal(with_graph(NODE, x=x), f"x = {value:g} at node 7, column 3; 2 of its 120 numbers", "nan_to_num")
    y = torch.tensor([[value]])
    refusal(with_graph("graph-regression", 4, y=y), f"graph 4 has y = {value:g} at graph 0, column 0", "missing")


def test_large_numbers_are_finite_though_their_sum_is_not():
    data = with_graph(NODE, x=torch.full((24, 5), 3e38))
    assert check(data) is data


def test_categories():
    words = torch.arange(24).remainder(3).unsqueeze(1)
    spec = {"node": Categorical((3,))}
    assert check(with_graph(NODE, x=words, spec=spec)).notices == ()
    assert check(with_graph(NODE, x=words == 1, spec=spec)).graph.x.dtype == torch.int64
    refusal(with_graph(NODE, x=words + 1, spec=spec), "x of 3 in column 0, at node 2, 5, 8, 11, 14", "subtract 1")
    refusal(with_graph(NODE, x=words.float(), spec=spec), "x of float32", "long")


def test_features_in_some_graphs_only():
    data = example(GRAPH)
    edge_attr = torch.ones(data.graphs[3].num_edges, 2)
    refusal(with_graph(GRAPH, 3, edge_attr=edge_attr), "graphs 0 and 3 do not carry the same: edge_attr", "or in none")


# Edges.


@pytest.mark.parametrize(
    ("edge_index", "words", "hint"),
    [
        (lambda e: e.clone().index_fill_(1, torch.tensor([0]), 24), "24 nodes, and edge_index names 24", "too small"),
        (lambda e: e + 1, "edge_index names 24", "subtract 1"),
        (lambda e: torch.where(e == 3, -1, e), "edge_index names -1", "negative"),
        (lambda e: e.float(), "edge_index of float32", "long"),
        (lambda e: e.T, r"the shape \[\d+, 2\], not \[2, E\]", "t().contiguous()"),
        (lambda e: e[0], r"the shape \[\d+\]", "int64"),
        (lambda e: e.to_sparse(), "edge_index as a sparse tensor", "to_dense"),
    ],
)
def test_edges_that_are_none(edge_index, words, hint):
    refusal(with_graph(NODE, edge_index=edge_index(example(NODE).graph.edge_index)), words, hint)


def test_the_graph_of_an_edge_out_of_range_is_named():
    edges = torch.tensor([[0, 1], [1, 400]])
    refusal(with_graph(GRAPH, 5, edge_index=edges), "graph 5 has 6 nodes, and edge_index names 400")


def test_edges_of_other_types_and_layouts():
    edges = example(NODE).graph.edge_index
    assert check(with_graph(NODE, edge_index=edges.int())).notices == ("converted: edge_index from int32 to int64",)
    strided = edges.T.contiguous().T
    checked = check(with_graph(NODE, edge_index=strided))
    assert checked.notices == () and checked.graph.edge_index.is_contiguous() and not strided.is_contiguous()


def test_edges_one_way():
    edges = example(NODE).graph.edge_index
    data = with_graph(NODE, edge_index=edges[:, 1:])
    number = edges.shape[1] - 1
    assert check(data).notices == (
        f"1 of {number} edges have no reverse, though spec.directed is False: messages pass one way",
    )
    assert check(replace(data, spec=replace(data.spec, directed=True))).notices == ()


def test_sparse_adjacency():
    refusal(with_graph(NODE, edge_index=None), "has no edge_index", "torch.empty(2, 0")
    with pytest.raises(InputError, match="karate has no edge_index, but adj_t") as caught:
        load("karate", transform=T.ToSparseTensor())
    assert "drop T.ToSparseTensor()" in str(caught.value.hint)


def test_attributes_that_no_model_reads():
    data = with_graph(NODE, train_mask=torch.ones(24, dtype=torch.bool), pos=torch.rand(24, 3))
    assert check(data).notices == ("no model of GraphLab reads pos, train_mask of the graphs",)
    assert load("substructures/triangles").notices == ()  # its card says that `count` is there on purpose


def test_attributes_that_cannot_be_batched():
    data = example(GRAPH)
    graphs = [graph.clone() for graph in data.graphs]
    for k, graph in enumerate(graphs):
        graph.pos = torch.ones(graph.num_nodes, 3 if k != 6 else 2)
    refusal(replace(data, graphs=tuple(graphs)), "pos of graphs 0 and 6 cannot be put end to end", "number of columns")


def test_nodes_that_are_not_counted():
    data = with_graph(NODE, x=None, spec={"node": None})
    data.graph.edge_index = torch.tensor([[0, 1], [1, 0]])
    checked = check(data)
    assert checked.graph.num_nodes == 24
    assert "converted: num_nodes, which was not said, taken from y" in checked.notices
    assert "num_nodes" not in data.graph.to_dict()


# Targets.


def labelled(*classes: int, num_outputs: int = 3) -> Dataset:
    """24 nodes, the first of these classes."""
    y = torch.arange(24).remainder(num_outputs)
    y[: len(classes)] = torch.tensor(classes)
    return with_graph(NODE, y=y, spec={"num_outputs": num_outputs})


def test_labels_that_are_none():
    refusal(labelled(0, -100, -100), r"y of -100, at node 1, 2, and there are 3 classes \(2 of 24", "say -1")
    refusal(labelled(0, 1, -2), "y of -2, at node 2")
    refusal(labelled(7), "y of 7, at node 0", "num_outputs is too small")
    one_based = with_graph(NODE, y=torch.arange(24).remainder(3) + 1)
    refusal(one_based, "y of 3, at node 2, 5", "subtract 1")
    refusal(with_graph(NODE, y=torch.rand(24)), "y of float32", "long")
    refusal(with_graph(NODE, y=torch.eye(3).repeat(8, 1)), r"y of the shape \[24, 3\], a column a class", "argmax")
    refusal(with_graph(NODE, y=torch.zeros(23, dtype=torch.long)), r"y of the shape \[23\], not \[24\]")
    refusal(with_graph(NODE, y=None), "has no y")


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        (lambda y: y.int(), "y from int32 to int64"),
        (lambda y: y.unsqueeze(1), "y from one column to one dimension"),
        (lambda y: y.numpy(), "y from an array to a tensor"),
    ],
)
def test_labels_of_other_types(values, notice):
    y = example(NODE).graph.y
    checked = check(with_graph(NODE, y=values(y)))
    assert checked.notices == (f"converted: {notice}",)
    assert checked.graph.y.dtype == torch.int64 and checked.graph.y.equal(y)


def test_classes_that_nothing_has():
    y = torch.tensor([0, 2, 4] * 8)
    assert check(with_graph(NODE, y=y, spec={"num_outputs": 6})).notices == ("no node has class 1, 3, 5, of 6 classes",)


def test_unlabelled_items():
    data = example(NODE)
    y = data.graph.y.clone()
    y[data.split().test[:2]] = -1
    assert check(with_graph(NODE, y=y)).notices == (
        "2 of 6 test nodes are unlabelled, and left out of loss and metrics",
    )
    y[data.split().test] = -1
    refusal(with_graph(NODE, y=y), "all 6 items of the test part of example are unlabelled")


def test_targets_of_graphs():
    graph = example("graph-regression").graphs[0]
    flat = check(with_graph("graph-regression", y=graph.y.reshape(1)))
    assert flat.notices == ("converted: y from 1 dimension to rows, in 1 of 24 graphs",)
    assert flat.graphs[0].y.shape == (1, 1) and graph.y.equal(flat.graphs[0].y)
    assert check(with_graph("graph-regression", y=0.5)).graphs[0].y.tolist() == [[0.5]]
    assert check(with_graph("graph-regression", y=torch.tensor(0.5))).graphs[0].y.tolist() == [[0.5]]
    assert check(with_graph(GRAPH, y=1)).graphs[0].y.tolist() == [1]
    refusal(with_graph("graph-regression", 2, y=torch.ones(1, 2)), r"graph 2 has y of the shape \[1, 2\], not \[1, 1\]")
    refusal(with_graph("graph-regression", 2, y=torch.ones(5, 1)), r"\[5, 1\], not \[1, 1\]")


# Splits.


def test_masks_lists_and_arrays_are_ids():
    for name, size in ((NODE, 24), (GRAPH, 24)):
        wanted = dict(example(name).split().parts())
        masks = {part: torch.zeros(size, dtype=torch.bool).index_fill_(0, ids, True) for part, ids in wanted.items()}
        for convert in (lambda mask: mask, lambda mask: mask.numpy(), lambda mask: mask.tolist()):
            data = with_split(name, **{part: convert(mask) for part, mask in masks.items()})
            assert check(data).notices == ()
            for part, ids in data.split().parts():
                assert ids.dtype == torch.int64 and ids.equal(wanted[part].sort().values)
    for convert in (torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.int, lambda ids: ids.numpy()[::-1]):
        assert check(with_split(NODE, train=convert(torch.arange(12)))).split().train.dtype == torch.int64


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (torch.tensor([0.0, 1.0]), "the train part of a split is float32"),
        (torch.zeros(24, dtype=torch.uint8), "is uint8, which may be a mask or ids"),
        (torch.zeros(24, 10, dtype=torch.bool), r"a mask of the shape \[24, 10\]"),
        (["a", "b"], "an array of <U1"),
        ([True, 3], "mixes numbers and bools"),
        ([[1], [2, 3]], "a list that is no array"),
        (None, "is a NoneType"),
        (torch.tensor(3), "a single number"),
        (np.array([1.5]), "is float64"),
    ],
)
def test_parts_that_are_no_ids(part, words):
    with pytest.raises(InputError, match=words) as caught:
        with_split(NODE, train=part)
    assert caught.value.hint


@pytest.mark.parametrize("name", [NODE, GRAPH])
def test_parts_that_do_not_fit(name):
    what = "node" if name == NODE else "graph"
    refusal(with_split(name, test=[23, 24]), f"test part of example names {what} 24, and there are 24", "0 to 23")
    shifted = {part: ids + 1 for part, ids in example(name).split().parts()}
    refusal(with_split(name, **shifted), f"names {what} 24", "subtract 1")
    refusal(with_split(name, test=[-1, 23]), f"names {what} -1", "negative")
    refusal(with_split(name, test=[20, 20, 21]), f"names {what} 20 more than once", "unique")
    refusal(with_split(name, test=[3, 5, 23]), f"the train and test parts of example share 2 {what}s: 3, 5")
    refusal(with_split(name, train=[True] * 5 + [False] * 5), f"have the length 10, and there are 24 {what}s")
    with pytest.raises(InputError, match="masks of a split have different lengths: train 2, test 3"):
        with_split(name, train=[True, False], test=[False, False, True])
    with pytest.raises(InputError, match=r"the train part of .*example.* is empty"):
        make_plan("gin", with_split(name, train=[False] * 24))


def test_a_part_that_chooses_and_measures():
    ids = example(NODE).split().test
    notices = check(with_split(NODE, validation=ids)).notices
    assert notices == ("validation and test are the same items: what chooses a checkpoint also measures it",)


def test_splits_drawn_from_the_seed_are_seen_at_each_seed():
    def draw(stream):
        k = 25 if stream.integer() % 2 else 23
        return Split(range(12), [12], [k])

    data = replace(example(NODE), splits=Splits("mine", draw=draw))
    bad = next(seed for seed in range(100) if 25 in data.split(seed).test)
    good = next(seed for seed in range(100) if 23 in data.split(seed).test)
    if bad == 0:
        refusal(data, "names node 25")
        return
    plan = make_plan("gcn", data)
    plan.make_task(good)
    with pytest.raises(InputError, match="names node 25"):
        plan.make_task(bad)


# Links.


def test_links():
    data = example("links")
    split = data.split()

    def with_test(rows):
        return with_split("links", test=rows)

    refusal(with_test(split.test[:, :2]), r"shape \[\d+, 2\], not \[n, 3\]", "whether a link joins them")
    turned = split.test.clone()
    turned[0] = turned[0, [1, 0, 2]]
    refusal(with_test(turned), "1 of \\d+ pairs that are not u < v", "smaller node first")
    flipped = split.test.clone()
    flipped[:, 2] = 1
    count = int((split.test[:, 2] == 0).sum())
    refusal(with_test(flipped), f"{count} of {len(flipped)} pairs labelled 1 that are no links of the graph")
    hidden = split.test.clone()
    hidden[:, 2] = 0
    refusal(with_test(hidden), f"{len(hidden) - count} of {len(hidden)} pairs labelled 0 that are links")
    refusal(with_split("links", train=split.validation), "pairs labelled 0", "training draws pairs")
    refusal(with_test(torch.cat([split.test, split.train[:2]])), "example has 2 pairs more than once")
    total = len(unordered(data.graph.edge_index))
    assert check(with_split("links", train=split.train[2:])).notices == (
        f"2 of {total} links are in no part: no model sees them",
    )


# The outline, names, and what is shown.


def test_outlines():
    data = example(NODE)
    refusal(replace(data, graphs=()), "has 0 graphs")
    refusal(replace(data, graphs=data.graphs * 2), "has 2 graphs, and its level is 'node'")
    refusal(replace(data, graphs=data.graph), "are no tuple of PyG's Data")
    refusal(replace(data, spec=None), "has the spec None")
    refusal(replace(data, spec=replace(data.spec, num_outputs=0)), "num_outputs=0")
    refusal(replace(data, spec=replace(data.spec, level="vertex")), "level 'vertex'")
    refusal(replace(data, validation_graph=1), "no graph 1 for validation")
    refusal(replace(data, labels={"classes": ("a", "b")}), "2 names of 3 classes")
    assert check(replace(data, labels={"classes": ("a", "b", "b")})).notices == (
        "1 of the 3 names of classes occur twice: 'b'",
    )


def test_notices_are_shown_and_travel():
    data = with_graph(NODE, x=example(NODE).graph.x.double(), extra=torch.ones(24))
    plan = make_plan("gcn", data)
    assert (
        plan.notices
        == plan.dataset.notices
        == (
            "converted: x from float64 to float32",
            "no model of GraphLab reads extra of the graphs",
        )
    )
    assert "\n  notice: no model of GraphLab reads extra" in repr(plan.dataset)
    assert "no model of GraphLab reads extra" in plan.dataset._repr_html_()


def test_findings_are_made_anew_and_the_rest_is_kept():
    data = replace(with_graph(NODE, extra=torch.ones(24)), notices=("a line was empty",))
    checked = check(data)
    assert checked.notices == ("a line was empty", "no model of GraphLab reads extra of the graphs")
    assert check(checked) is checked
    graph = checked.graph.clone()
    del graph["extra"]
    assert check(replace(checked, graphs=(graph,))).notices == ("a line was empty",)


def test_data_changed_after_loading_are_checked_at_the_plan():
    data = load("karate")
    data.graph.x = data.graph.x.clone()
    data.graph.x[3, 0] = float("nan")
    with pytest.raises(InputError, match="karate has x = nan at node 3, column 0"):
        make_plan("gcn", data)


def test_bad_data_on_the_command_line_are_one_error(cli, tmp_path, monkeypatch):
    (tmp_path / "damaged.py").write_text(ADAPTER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(DATASETS.families, "damaged", "damaged")
    result = cli("run", "gcn", "damaged", "--json")
    assert result.code == 1
    assert json.loads(result.out)["error"]["kind"] == "data"
    assert "y of 2, at node 1, and there are 2 classes" in json.loads(result.out)["error"]["message"]


ADAPTER = """
import torch
from torch_geometric.data import Data
from graphlab.core.citation import Citation
from graphlab.data.card import Card
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.spec import Continuous, DataSpec

CARD = Card("damaged", "Damaged", "node-classification", "MIT", Citation("k", "T", "A", 2024, "https://example.org"))

def build(variant, files, split):
    graph = Data(x=torch.ones(3, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([1, 2, 1]))
    return Dataset("damaged", CARD.task, (graph,), Splits(split, (Split([0], [1], [2]),)),
                   DataSpec("node", 2, node=Continuous(1)), CARD)
"""


def test_specs_of_other_objects():
    data = example(NODE)
    refusal(replace(data, card=None), "has the card None", "a Card")  # pyright: ignore[reportArgumentType]
    for key, value in {"target": "classes", "target_of": "nodes", "directed": "yes", "weighted": 1}.items():
        refusal(replace(data, spec=replace(data.spec, **{key: value})), f"{key}={value!r}", "it is ")
    refusal(replace(data, spec=DataSpec("node", 3, node="five")), "'five' describes no features")  # pyright: ignore


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "neither fixed nor drawn"),
        ({"fixed": ()}, "neither fixed nor drawn"),
        ({"fixed": example(NODE).split()}, "are fixed as"),
        ({"fixed": ("public",)}, "are fixed as"),
        ({"draw": "random"}, "neither fixed nor drawn"),
        ({"name": None, "fixed": (example(NODE).split(),)}, "called None"),
    ],
)
def test_splits_of_other_objects(values, words):
    with pytest.raises(InputError, match=words) as caught:
        Splits(**{"name": "mine", **values})
    assert caught.value.hint


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("value", [0, 1])
def test_link_parts_have_links_and_others(part, value):
    rows = example("links").split().validation
    refusal(
        with_split("links", **{part: rows[rows[:, 2] == value]}), f"labelled {value}", f"pairs labelled {1 - value}"
    )
