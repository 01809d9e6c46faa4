"""Answers by name: what is listed is what the model scores, both ways, and wrong questions are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.analysis.answers import Answers, answers
from graphlab.core.errors import IncompatibleError, InputError, StoreError, UnknownNameError
from graphlab.data.dataset import Dataset, Split, Splits
from graphlab.data.load import load
from graphlab.data.spec import FACT, DataSpec
from graphlab.data.triples import world
from graphlab.experiment.run import run
from graphlab.model.base import TripleModel
from graphlab.model.registry import build_model

PEOPLE = ("ann", "bob", "cid", "dan", "eve")
RELATIONS = ("knows", "likes")
FACTS = torch.tensor([[0, 0, 1], [0, 0, 2], [3, 1, 0]])
KNOWN = torch.cat([FACTS, torch.tensor([[0, 0, 4], [2, 1, 0]])])


class Table(TripleModel):
    """Scores by a table `[2 R, N, N]`."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = table

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        return self.table[relation, head]


class Constant(TripleModel):
    """Finds everything equally likely."""

    def score(self, graph: Data, head: Tensor, relation: Tensor, tail: Tensor | None = None) -> Tensor:
        return torch.zeros(len(head), int(graph.num_nodes or 0))


def small() -> Dataset:
    return Dataset(
        name="small",
        task="kg-completion",
        graphs=(world(5, facts=FACTS, known=KNOWN),),
        splits=Splits("fixed", fixed=(Split(FACTS, KNOWN[3:4], KNOWN[4:]),)),
        spec=DataSpec("triples", (FACT,), num_relations=2, num_entities=5, directed=True),
        card=None,  # pyright: ignore[reportArgumentType]
        labels={"entities": PEOPLE, "relations": RELATIONS},
    )


@pytest.fixture
def asked() -> Answers:
    table = torch.zeros(4, 5, 5)
    table[0, 0] = torch.tensor([0.0, 2.0, 1.0, 1.0, 3.0])
    table[3, 0] = torch.tensor([-1.0, 5.0, 4.0, 3.0, 2.0])
    return Answers(Table(table), small())


def test_tails(asked):
    frame = asked.predict("ann", "knows", 4)
    assert frame.columns.tolist() == ["rank", "tail", "score", "probability", "known"]
    assert frame["tail"].tolist() == ["eve", "bob", "cid", "dan"]
    assert frame["rank"].tolist() == [1, 2, 3, 3]
    assert frame["score"].tolist() == [3.0, 2.0, 1.0, 1.0]
    assert frame["probability"].tolist() == pytest.approx([0.9526, 0.8808, 0.7311, 0.7311], abs=1e-4)
    assert frame["known"].tolist() == ["held out", "fact", "fact", None]


def test_heads_are_asked_of_the_inverse_relation(asked):
    frame = asked.predict(relation="likes", tail="ann", k=3)
    assert frame["head"].tolist() == ["bob", "cid", "dan"]
    assert frame["known"].tolist() == [None, "held out", "fact"]


def test_what_is_known_can_be_left_out(asked):
    assert asked.predict("ann", "knows", exclude="facts")["tail"].tolist() == ["eve", "dan", "ann"]
    frame = asked.predict("ann", "knows", exclude="known")
    assert (frame["tail"].tolist(), frame["rank"].tolist()) == (["dan", "ann"], [1, 2])


def test_names_and_ids_ask_the_same(asked):
    by_name = asked.predict("ann", "knows", 5)
    for head, relation in ((0, 0), ("0", "0"), ("ann", 0), (np.int64(0), np.int32(0))):
        assert asked.predict(head, relation, 5).equals(by_name)
    assert asked.predict("ann", "knows", np.int64(5)).equals(by_name)


@pytest.fixture
def numbered() -> Answers:
    """Entities whose names are digits, none of them its own id."""
    table = torch.zeros(4, 5, 5)
    table[0] = torch.arange(25.0).view(5, 5)
    names = {"entities": ("1", "10", "2", "004", "4"), "relations": RELATIONS}
    return Answers(Table(table), replace(small(), labels=names))


def test_where_names_are_digits_a_text_is_never_an_id(numbered):
    for place, name in enumerate(numbered.entities):
        by_name, by_id = numbered.predict(name, "knows", 5), numbered.predict(place, "knows", 5)
        assert by_name.equals(by_id) and by_name["score"].iloc[0] == 5 * place + 4
    for name in ("0", "3", "04", "1 "):
        with pytest.raises(UnknownNameError, match=f"no entity is named '{name}'"):
            numbered.predict(name, "knows")
        with pytest.raises(UnknownNameError, match=f"no entity is named '{name}'"):
            numbered.predict(relation="knows", tail=name)
    with pytest.raises(UnknownNameError, match="did you mean '004' or '4'"):
        numbered.predict("04", "knows")


def test_digits_among_entities_leave_relations_to_be_asked_by_id(numbered):
    assert numbered.predict("4", "0", 5).equals(numbered.predict("4", "knows", 5))


def test_a_name_that_two_have_is_refused():
    names = {"entities": ("ann", "ann", "cid", "dan", "eve"), "relations": RELATIONS}
    twins = Answers(Table(torch.zeros(4, 5, 5)), replace(small(), labels=names))
    with pytest.raises(InputError, match="2 of the names are 'ann'"):
        twins.predict("ann", "knows")


@pytest.mark.real_data
def test_the_entity_0_of_family_is_unknown():
    data = load("kg/family")
    assert data.labels["entities"][0] == "1" and "0" not in data.labels["entities"]
    family = Answers(Constant(), data)
    with pytest.raises(UnknownNameError, match="no entity is named '0'"):
        family.predict("0", "aunt")
    assert family._entity("1") == 0 == family._entity(0)


def test_everything_left_out_leaves_an_empty_table():
    data = small()
    data.graphs[0].known_triples = torch.tensor([[0, 0, t] for t in range(5)])
    frame = Answers(Table(torch.zeros(4, 5, 5)), data).predict("ann", "knows", exclude="known")
    assert len(frame) == 0 and frame.columns.tolist()[1] == "tail"


@pytest.mark.parametrize(
    ("question", "error", "message"),
    [
        ({"head": "ann"}, InputError, "names a relation and one of head and tail"),
        ({"relation": "knows"}, InputError, "one of head and tail"),
        ({"head": "ann", "relation": "knows", "tail": "bob"}, InputError, "one of head and tail"),
        ({"head": "anne", "relation": "knows"}, UnknownNameError, "no entity is named 'anne'\n.*'ann'"),
        ({"head": "ann", "relation": "know"}, UnknownNameError, "no relation is named 'know'\n.*'knows'"),
        ({"head": 5, "relation": "knows"}, InputError, "no entity has the id 5"),
        ({"head": -1, "relation": "knows"}, InputError, "no entity has the id -1"),
        ({"head": "5", "relation": "knows"}, InputError, "no entity has the id 5"),
        ({"head": "00", "relation": "knows"}, UnknownNameError, "no entity is named '00'"),
        ({"head": True, "relation": "knows"}, InputError, "True is the name of no entity"),
        ({"head": "ann", "relation": False}, InputError, "False is the name of no relation"),
        ({"head": 0.0, "relation": "knows"}, InputError, r"0\.0 is the name of no entity"),
        ({"head": "ann", "relation": "knows", "k": 0}, InputError, "0 answers"),
        ({"head": "ann", "relation": "knows", "k": True}, InputError, "True answers"),
        ({"head": "ann", "relation": "knows", "k": "3"}, InputError, "'3' answers"),
        ({"head": "ann", "relation": "knows", "exclude": "all"}, InputError, "exclude cannot be 'all'"),
    ],
)
def test_wrong_questions(asked, question, error, message):
    with pytest.raises(error, match=message):
        asked.predict(**question)


def test_of_very_many_names_an_error_lists_a_few():
    with pytest.raises(UnknownNameError) as raised:
        raise UnknownNameError("entity", "q", [f"{n:05}" for n in range(40_000)])
    assert raised.value.hint and "40,000 in all" in raised.value.hint and len(raised.value.hint) < 600


def test_models_that_do_not_score_by_paths_say_so(asked):
    with pytest.raises(IncompatibleError, match="does not score by paths"):
        asked.paths("ann", "knows", "bob")


def test_an_inductive_world_has_entities_of_its_own():
    data = load("kinship-rules/inductive")
    torch.manual_seed(0)
    model = build_model("nbfnet", data.spec, {"dim": 4, "num_layers": 2})
    test, train = Answers(model, data), Answers(model, data, world="train")
    head, relation, _ = data.split().test[0].tolist()
    scores = model.score(data.graphs[1], torch.tensor([head]), torch.tensor([relation]))[0]
    frame = test.predict(head, relation, 3)
    assert frame["score"].tolist() == pytest.approx(scores.topk(3).values.tolist())
    assert frame["tail"].tolist() == [data.labels["test_entities"][i] for i in scores.topk(3).indices.tolist()]
    assert test.predict("p1000", "father", 1)["tail"][0].startswith("p1")
    with pytest.raises(UnknownNameError, match="p1000"):
        train.predict("p1000", "father")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = tmp_path_factory.mktemp("answers")
    quick = {"training.epochs": 1, "model.dim": 4, "model.num_layers": 2}
    return run("nbfnet", "kinship-rules/inductive", seeds=2, store=store, progress=False, **quick), store


def test_a_run_is_named_by_record_by_id_or_as_the_best_of_several(trained):
    runs, store = trained
    best = max(runs.records, key=lambda record: record.result.validation["mrr"])
    frames = [answers(name, store).predict("p1000", "son") for name in (runs, best, best.id, best.id[:8])]
    assert all(frame.equals(frames[0]) for frame in frames)
    assert (
        answers("latest", store).predict("p1000", "son").equals(answers(runs.records[1], store).predict("p1000", "son"))
    )
    with pytest.raises(InputError, match="no finished run"):
        answers("latest", store / "empty")
    with pytest.raises(UnknownNameError, match="run"):
        answers("0000000", store)
    with pytest.raises(UnknownNameError, match="run"):
        answers("", store)


def test_runs_of_other_tasks_and_runs_that_have_not_finished_cannot_be_asked(tmp_path):
    runs = run("gcn", "karate", store=tmp_path, progress=False, epochs=1)
    with pytest.raises(IncompatibleError, match="gcn does not score triples"):
        answers(runs, tmp_path)
    for file in (tmp_path / runs.records[0].id).glob("*.pt"):
        file.unlink()
    with pytest.raises(StoreError, match="no best checkpoint"):
        answers(runs.records[0], tmp_path)


def test_paths_lead_from_head_to_tail_over_facts(trained):
    runs, store = trained
    trained_model = answers(runs, store)
    data = trained_model.dataset
    (heads, tails), kinds = data.graphs[1].edge_index.tolist(), data.graphs[1].edge_type.tolist()
    people, relations = data.labels["test_entities"], data.labels["relations"]
    facts = {(people[h], relations[r], people[t]) for h, r, t in zip(heads, kinds, tails, strict=True)}
    found = trained_model.paths("p1000", "grandson", "p1023", 5)
    assert len(found) == 5
    for _, steps in found:
        place = "p1000"
        for head, relation, tail, inverse in steps:
            assert (head, relation, tail) in facts
            start, place = (tail, head) if inverse else (head, tail)
            assert start in (place, start)
        assert place == "p1023"
    assert [value for value, _ in found] == sorted((value for value, _ in found), reverse=True)
