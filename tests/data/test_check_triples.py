"""What knowledge graphs must be: each case is one error with its remedy, or a notice with the right counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.analysis.answers import Answers
from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream
from graphlab.data.check import check
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.load import load
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import world
from graphlab.experiment.plan import make_plan
from graphlab.task.example import example_dataset
from graphlab.testing.examples import example

N, R = 20, 4


def triples() -> Tensor:
    """70 different triples, in an order of which the first 50 have every entity and relation."""
    random = SeedStream(0, ("triples",)).torch()
    columns = [torch.randint(0, size, (400,), generator=random) for size in (N, R, N)]
    rows = torch.stack(columns, 1)
    rows = rows[rows[:, 0] != rows[:, 2]]
    rows = rows.unique(dim=0)
    return rows[torch.randperm(len(rows), generator=random)[:70]]


def dataset(
    train: Tensor | None = None,
    validation: Tensor | None = None,
    test: Tensor | None = None,
    known: Tensor | None = None,
    facts: Tensor | None = None,
    num_nodes: int = N,
    **spec,
) -> Dataset:
    rows = triples()
    parts = [rows[:50] if train is None else train, rows[50:60] if validation is None else validation]
    parts.append(rows[60:] if test is None else test)
    graph = world(num_nodes, parts[0] if facts is None else facts, torch.cat(parts) if known is None else known)
    settings = {"num_relations": R, "num_entities": N, "directed": True, **spec}
    return example_dataset("kg-completion", (graph,), Split(*parts), DataSpec("triples", (FACT,), **settings))


def with_graph(data: Dataset, **values) -> Dataset:
    graph = data.graph.clone()
    for key, value in values.items():
        graph[key] = value
    return replace(data, graphs=(graph,))


def refusal(data: Dataset, words: str, hint: str = "") -> None:
    with pytest.raises(InputError, match=words) as caught:
        make_plan("distmult", data)
    assert "example" in caught.value.message
    assert caught.value.hint and hint in caught.value.hint, caught.value.hint


def test_what_is_right():
    assert check(dataset()).notices == ()


# What is refused.


def test_ids_counted_from_one():
    rows = triples()
    relations = rows + torch.tensor([0, 1, 0])
    refusal(dataset(*relations.split([50, 10, 10])), "edge_type names relation 4, and there are 4", "subtract 1")
    entities = rows + torch.tensor([1, 0, 1])
    refusal(dataset(*entities.split([50, 10, 10])), "has 20 nodes, and edge_index names 20", "subtract 1")
    refusal(dataset(test=rows[60:] + torch.tensor([1, 0, 1])), "test")
    # with one relation and one entity more than there are, ids from 1 are legal, and suspicious
    wide = dataset(*(rows + 1).split([50, 10, 10]), num_nodes=N + 1, num_relations=R + 1, num_entities=N + 1)
    assert check(wide).notices == (
        "1 of 21 entities are in no triple of the graph: 0; ids may be counted from 1",
        "1 of 5 relations are in no triple of the graph: 0; ids may be counted from 1",
    )


@pytest.mark.parametrize("order", [o for o in permutations(range(3)) if o != (0, 1, 2)])
def test_columns_in_another_order(order):
    rows = triples()[:, list(order)]
    train, validation, test = rows.split([50, 10, 10])
    original = triples()[:50]
    # parts alone
    data = dataset(train, validation, test, known=triples(), facts=original)
    with pytest.raises(InputError) as caught:
        check(data)
    assert caught.value.hint
    if order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)):  # a column of entities lies where relations are
        assert "columns" in caught.value.hint and "part of example names relation" in caught.value.message
    # known triples alone
    with pytest.raises(InputError, match="known_triples") as caught:
        check(dataset(known=rows))
    assert "columns" in str(caught.value.hint)


def test_columns_exchanged_everywhere_are_a_notice():
    rows = triples()[:, [0, 2, 1]]
    data = dataset(*rows.split([50, 10, 10]), num_relations=N)
    heads, relations, tails = (len(column.unique()) for column in rows[:50].unbind(1))
    assert (
        f"training has {heads} different heads, {relations} relations and {tails} tails: "
        "its columns may be head, tail, relation"
    ) in check(data).notices


def test_ids_of_other_types():
    data = dataset()
    refusal(with_graph(data, edge_type=data.graph.edge_type.float()), "edge_type of float32", "long")
    refusal(with_graph(data, known_triples=data.graph.known_triples.double()), "known_triples of float64", "long")
    refusal(with_graph(data, edge_index=-data.graph.edge_index), "edge_index names -19, -18", "negative")
    refusal(dataset(test=triples()[60:] - torch.tensor([0, 0, 5])), "test part of example names entity -", "negative")
    with pytest.raises(InputError, match="the test part of a split is float32"):
        dataset(test=triples()[60:].float())
    small = check(with_graph(data, edge_type=data.graph.edge_type.int()))
    assert small.notices == ("converted: edge_type from int32 to int64",)
    assert small.graph.edge_type.equal(data.graph.edge_type)


def test_known_triples():
    data = dataset()
    graph = data.graph.clone()
    del graph["known_triples"]
    refusal(replace(data, graphs=(graph,)), "example has no known_triples", "facts, validation and test together")
    refusal(dataset(known=triples()[:50]), "10 of 10 validation triples of example are not among known_triples")
    refusal(dataset(known=triples()[7:]), "7 of 50 facts of the graph of example are not among known_triples")
    refusal(with_graph(data, known_triples=triples()[:, :2]), r"shape \[70, 2\], not \[n, 3\]")
    graph = data.graph.clone()
    del graph["edge_type"]
    refusal(replace(data, graphs=(graph,)), "example has no edge_type")
    refusal(with_graph(data, edge_type=data.graph.edge_type[:-1]), r"edge_type of the shape \[49\], not \[50\]")


def test_numbers_of_entities():
    refusal(dataset(num_entities=N + 1), "has 20 entities, and spec.num_entities is 21", "num_entities=20")
    refusal(dataset(num_entities=N - 1), "has 20 entities, and spec.num_entities is 19", "num_entities=20")
    refusal(dataset(num_nodes=N + 5), "has 25 entities, and spec.num_entities is 20")
    assert check(dataset(num_nodes=N + 5, num_entities=N + 5)).notices == (
        "5 of 25 entities are in no triple of the graph: 20, 21, 22, 23, 24",
    )


def test_names():
    names = tuple(f"e{k}" for k in range(N))
    refusal(replace(dataset(), labels={"entities": names[:-1]}), "19 names of 20 entities", "one name each")
    refusal(replace(dataset(), labels={"relations": ("a",)}), "1 names of 4 relations")
    two = replace(dataset(num_entities=None), graphs=(dataset().graph, world(25, triples(), triples())))
    two = replace(two, splits=Splits("mine", fixed=(Split(triples()[:50], triples()[50:60], triples()[60:]),)))
    refusal(replace(two, labels={"entities": names}), "names 20 entities, and its graph 1 has 25", "test_entities")
    doubled = check(replace(dataset(), labels={"entities": (*names[:-1], "e0")}))
    assert doubled.notices == ("1 of the 20 names of entities occur twice: 'e0'",)


def test_a_third_graph():
    data = dataset(num_entities=None)
    three = replace(data, graphs=data.graphs * 3)
    refusal(replace(example("kg-mixture"), validation_graph=1), "asks validation in graph 1, and its items are triples")
    refusal(three, "has 3 graphs, of which training uses the first, test the last", "validation_graph=1")
    assert check(replace(three, validation_graph=1))
    refusal(replace(three, validation_graph=2), "has 3 graphs")
    refusal(replace(data, graphs=data.graphs * 4, validation_graph=1), "has 4 graphs")


def test_masks_are_no_triples():
    data = replace(dataset(), splits=Splits("mine", fixed=(Split([True] * 70, [False] * 70, [False] * 70),)))
    refusal(data, "a part of example is a mask, and its items are triples")


# What is noticed.


def test_repeats():
    rows = triples()
    train, validation, test = rows.split([50, 10, 10])
    data = dataset(
        torch.cat([train, train[:10]]), torch.cat([validation, validation[:3]]), torch.cat([test, test[2:4]])
    )
    assert check(data).notices == (
        "10 of 60 train triples repeat another",
        "3 of 13 validation triples repeat another",
        "2 of 12 test triples repeat another",
    )


def test_test_triples_that_are_facts():
    rows = triples()
    data = dataset(
        validation=torch.cat([rows[50:57], rows[:3]]), test=torch.cat([rows[60:65], rows[10:15]]), known=rows
    )
    assert check(data).notices == (
        "3 of 10 validation triples are facts, which models see",
        "5 of 10 test triples are facts, which models see",
    )
    assert make_plan("distmult", data).notices == check(data).notices


def test_test_triples_that_are_validation_triples():
    rows = triples()
    assert check(dataset(test=torch.cat([rows[60:], rows[50:52]]))).notices == (
        "2 of 12 test triples are validation triples too",
    )
    assert check(dataset(test=rows[50:60])).notices == (
        "validation and test are the same items: what chooses a checkpoint also measures it",
    )


def test_what_only_test_has():
    rows = triples()
    test = rows[60:].clone()
    test[:3, 1] = R
    test[0, 2] = N
    test[4, 0] = N + 1
    data = dataset(test=test, num_nodes=N + 2, num_entities=N + 2, num_relations=R + 1)
    assert check(data).notices == (
        "2 of 10 test triples name an entity that no fact has (2 entities)",
        "3 of 10 test triples name a relation that training has not (1 relation)",
    )


def inverse_data(kept: int) -> Dataset:
    """Relation 1 is relation 0 turned round, in `kept` of 30 training pairs; 4 of 10 test triples are turned facts."""
    pairs = torch.tensor([(k, (k * 7 + 3) % 41) for k in range(41) if k != (k * 7 + 3) % 41])
    relation = torch.zeros(len(pairs), 1, dtype=torch.int64)
    forward = torch.cat([pairs[:, :1], relation, pairs[:, 1:]], dim=1)
    backward = forward[:, [2, 1, 0]] + torch.tensor([0, 1, 0])
    train = torch.cat([forward[:30], backward[:kept], backward[30:34]])
    test = torch.cat([forward[30:34], backward[34:40]])
    graph = world(41, train, torch.cat([train, forward[34:36], test]))
    spec = DataSpec("triples", (FACT,), num_relations=2, num_entities=41, directed=True)
    return example_dataset("kg-completion", (graph,), Split(train, forward[34:36], test), spec)


def test_inverse_leaks():
    """By hand: 4 of 10 test triples are backward[30:34] turned round. Of the 30 forward training triples `kept` are
    there backward, of the kept + 4 backward ones as many forward."""
    notice = "4 of 10 test triples are given away by a fact turned round, as 1 pair of relations is inverse in training"
    assert notice in check(inverse_data(30)).notices
    data = inverse_data(3)  # 3 of 7 backward triples at most: no inverses
    assert not any("turned round" in text for text in check(data).notices)
    split = data.split()
    facts = {tuple(row) for row in split.train.tolist()}
    assert sum((t, 1 - r, h) in facts for h, r, t in split.test.tolist()) == 4


def test_inverse_leaks_of_symmetric_relations():
    """The counts of WN18RR's three symmetric relations are known: Dettmers et al. answer 35 % of test by a rule."""
    rows = torch.tensor([(k, 0, k + 1) for k in range(0, 38, 2)])
    train = torch.cat([rows, rows[:16, [2, 1, 0]]])
    test = rows[16:19, [2, 1, 0]]
    graph = world(38, train, torch.cat([train, test]))
    spec = DataSpec("triples", (FACT,), num_relations=1, num_entities=38, directed=True)
    data = example_dataset("kg-completion", (graph,), Split(train, test[:0], test), spec)
    # of 35 training triples 32 are there turned round, .914; held out are 3 of 38, so that .911 is asked
    assert check(data).notices == (
        "3 of 3 test triples are given away by a fact turned round, as 1 pair of relations is inverse in training",
    )


@pytest.mark.real_data
def test_inverse_leaks_are_those_of_the_probe():
    from graphlab.analysis.probes.inverse_relations import _Facts, _pairs

    data = load("kg/wn18rr")
    split, known = data.split(), _Facts(data.graphs[-1], data.spec.num_relations)
    held_out = 1 - len(split.train) / sum(len(part) for _, part in split.parts())
    answered = torch.zeros(len(split.test), dtype=torch.bool)
    for kind, relation, other, _, _ in _pairs(data, split.train, 0.99 - held_out):
        if kind != "duplicate":
            answered |= known.give(split.test, relation, other, turned=True)
    assert any(notice.startswith(f"{int(answered.sum()):,} of 3,134 test triples") for notice in data.notices)


def test_mixtures():
    data = example("kg-mixture")

    def with_rows(change) -> Dataset:
        rows = {part: change(part, items.clone()) for part, items in data.split().parts()}
        return replace(data, splits=Splits("mine", fixed=(Split(**rows),)))

    def named(part, rows):
        rows[0, 0] = 2
        return rows

    with pytest.raises(InputError, match="names graphs 2"):
        check(with_rows(named))
    with pytest.raises(InputError, match=r"not \[n, 4\]"):
        check(with_rows(lambda part, rows: rows[:, 1:]))
    with pytest.raises(InputError, match="does not name its graphs"):
        check(replace(data, labels={}))
    doubled = check(with_rows(lambda part, rows: torch.cat([rows, rows[:2]]) if part == "test" else rows))
    assert "2 of 20 test triples of graph 'all' repeat another" in doubled.notices
    alone = check(with_rows(lambda part, rows: rows[rows[:, 0] == 0]))
    assert "graph 'fewer' is not asked about" in alone.notices


# Validation in another graph than training.


def inductive(where: int, graphs: int) -> Dataset:
    """kinship-rules' two worlds, of which the second is split anew; validation belongs to graph `where`."""
    base = load("kinship-rules/inductive")
    train, _, test = (items for _, items in base.split().parts())
    training, testing = base.graphs
    half = len(test) // 2
    held = {0: base.split().validation, 1: test[:half]}[where]
    worlds = (training, testing) if graphs == 2 else (training, testing, testing)
    labels = {**base.labels, "validation_entities": base.labels["entities" if where == 0 else "test_entities"]}
    return replace(
        base,
        graphs=worlds,
        splits=Splits("mine", fixed=(Split(train, held, test[half:]),)),
        validation_graph=where,
        labels=labels,
        notices=(),
        findings=(),
    )


@pytest.mark.parametrize(("where", "graphs"), [(0, 2), (1, 2), (1, 3)])
def test_validation_is_asked_in_the_graph_that_the_data_say(where, graphs):
    """Ranks of an inductive model against a slow calculation in that graph, known triples left out."""
    data = inductive(where, graphs)
    assert check(data) is data
    plan = make_plan("nbfnet", data, {"training.epochs": 1, "model.dim": 4, "model.num_layers": 2})
    task = plan.make_task(0)
    task.split = Split(task.split.train, task.split.validation[:12], task.split.test[:12])
    learner = plan.make_learner(task, 0).eval()
    for part, graph in (("validation", data.graphs[where]), ("test", data.graphs[-1])):
        rows = task.predict(learner, part)
        facts = Data(edge_index=graph.edge_index, edge_type=graph.edge_type, num_nodes=graph.num_nodes)
        known = {tuple(row) for row in graph.known_triples.tolist()}
        expected = []
        for h, r, t in getattr(task.split, part).tolist():
            ranks = []
            relations = data.spec.num_relations
            for source, relation, truth in ((h, r, t), (t, r + relations, h)):
                with torch.no_grad():
                    scores = learner.model.score(facts, torch.tensor([source]), torch.tensor([relation]))[0]
                others = [
                    e
                    for e in range(int(graph.num_nodes))
                    if e != truth and ((source, r, e) if relation == r else (e, r, source)) not in known
                ]
                ranks += [1 + int((scores[others] >= scores[truth]).sum()), len(others)]
            expected.append(ranks)
        assert rows.tolist() == expected


def test_validation_in_the_wrong_graph_is_refused():
    data = inductive(1, 2)
    with pytest.raises(InputError, match="validation"):
        check(replace(data, validation_graph=0))


def test_the_place_of_validation_is_part_of_a_data_set():
    data = inductive(1, 3)
    assert replace(data, validation_graph=0).fingerprint != data.fingerprint
    base = load("kinship-rules/inductive")
    assert replace(base).fingerprint == base.fingerprint
    assert data.graph_of("validation") is data.graphs[1] and data.graph_of("test") is data.graphs[2]


def test_it_is_kept_on_disk(tmp_path):
    from graphlab.data import cache

    data = replace(inductive(1, 2), notices=("a line was empty", "2 test triples"), findings=("2 test triples",))
    path = tmp_path / "kept.npz"
    cache.write(path, data)
    again = cache.read(path, data.card)
    assert again is not None
    assert (again.validation_graph, again.notices, again.findings) == (1, data.notices, data.findings)
    assert again.fingerprint == data.fingerprint


def test_answers_about_the_validation_graph():
    data = inductive(1, 2)
    plan = make_plan("nbfnet", data, {"model.dim": 4, "model.num_layers": 1})
    learner = plan.make_learner(plan.make_task(0), 0)
    answers = Answers(learner.model, data, world="validation")
    assert answers.graph is data.graphs[1]
    assert answers.entities == data.labels["test_entities"]
    assert Answers(learner.model, data, world="train").graph is data.graphs[0]


def test_searches_are_scored_where_validation_is_asked():
    from graphlab.nas.objectives.inner import searched

    for where, graphs in ((0, 2), (1, 2), (1, 3)):
        data = inductive(where, graphs)
        inner = searched(data, "validation", 0)
        assert inner.graphs[-1] is data.graphs[where]
        assert check(inner).notices == (
            "validation and test are the same items: what chooses a checkpoint also measures it",
        )
