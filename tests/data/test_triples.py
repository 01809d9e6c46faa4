"""Knowledge graphs: ids, worlds, and what the raw files are known to hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from graphlab.core.errors import DataError
from graphlab.data.load import load
from graphlab.data.triples import encode, read_triples, vocabulary, world


def test_ids_are_positions_of_sorted_names():
    triples = [("b", "likes", "a"), ("a", "knows", "c")]
    entities, relations = vocabulary(triples, [("d", "knows", "d")])
    assert entities == ("a", "b", "c", "d") and relations == ("knows", "likes")
    assert encode(triples, entities, relations).tolist() == [[1, 1, 0], [0, 0, 2]]
    assert encode([], entities, relations).shape == (0, 3)


def test_world_has_facts_as_edges():
    facts = torch.tensor([[1, 1, 0], [0, 0, 2]])
    graph = world(3, facts, torch.cat([facts, torch.tensor([[2, 0, 1]])]))
    assert graph.edge_index.tolist() == [[1, 0], [0, 2]] and graph.edge_type.tolist() == [1, 0]
    assert graph.num_nodes == 3 and len(graph.known_triples) == 3


def test_line_with_a_missing_column_is_named(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("a\tr\tb\na\tr\n")
    with pytest.raises(DataError, match=r"train\.txt:2 has 2 columns"):
        read_triples(path)


def test_names_may_hold_anything_but_tabs(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("a b\tr\x85\tc\u2028d\n", encoding="utf-8")
    assert read_triples(path) == [("a b", "r\x85", "c\u2028d")]


@pytest.mark.real_data
@pytest.mark.parametrize("variant", ["umls", "kinship", "nations"])
def test_names_lead_back_to_the_raw_lines(variant):
    dataset = load(f"kg/{variant}")
    entities, relations = dataset.labels["entities"], dataset.labels["relations"]
    raw = Path(os.environ["GRAPHLAB_MIRROR"], "kg", variant, "test.txt").read_text().splitlines()
    lines = [f"{entities[h]}\t{relations[r]}\t{entities[t]}" for h, r, t in dataset.split().test.tolist()]
    assert lines == raw


@pytest.mark.real_data
@pytest.mark.parametrize(("variant", "unseen"), [("wn18rr", 210), ("umls", 0), ("family", 18)])
def test_test_triples_with_entities_without_facts(variant, unseen):
    dataset = load(f"kg/{variant}")
    seen = torch.zeros(dataset.graph.num_nodes, dtype=torch.bool)
    seen[dataset.graph.edge_index.flatten()] = True
    test = dataset.split().test
    assert int((~seen[test[:, 0]] | ~seen[test[:, 2]]).sum()) == unseen


@pytest.mark.real_data
@pytest.mark.parametrize(("variant", "shared"), [("fb237-v1", 0), ("wn18rr-v1", 0), ("wn18rr-v3", 8)])
def test_inductive_worlds_share_relations_and_no_entities(variant, shared):
    dataset = load(f"grail/{variant}")
    train, test = dataset.graphs
    names = set(dataset.labels["entities"]) & set(dataset.labels["test_entities"])
    assert len(names) == shared
    assert set(test.edge_type.tolist()) <= set(train.edge_type.tolist())
    assert dataset.spec.num_entities is None
    assert (train.num_nodes, test.num_nodes) == tuple(len(dataset.labels[key]) for key in ("entities", "test_entities"))


@pytest.mark.real_data
@pytest.mark.parametrize("variant", ["fb237-v1", "wn18rr-v3"])
def test_the_split_inference_tests_validation_and_test_of_the_test_world(variant):
    public, inference = load(f"grail/{variant}"), load(f"grail/{variant}@inference")
    entities, relations = inference.labels["test_entities"], inference.labels["relations"]
    published_name = variant.replace("wn18rr", "WN18RR").replace("-", "_")
    folder = Path(os.environ["GRAPHLAB_MIRROR"], "grail", f"{published_name}_ind")
    raw = [line for part in ("valid", "test") for line in (folder / f"{part}.txt").read_text().split("\n") if line]
    lines = [f"{entities[h]}\t{relations[r]}\t{entities[t]}" for h, r, t in inference.split().test.tolist()]
    assert lines == [line.strip() for line in raw]
    for part in ("train", "validation"):
        assert torch.equal(getattr(inference.split(), part), getattr(public.split(), part))
    for ours, theirs in zip(inference.graphs, public.graphs, strict=True):
        assert torch.equal(ours.edge_index, theirs.edge_index)
        assert torch.equal(ours.known_triples, theirs.known_triples)
    assert inference.splits.name == "inference" and public.splits.name == "public"
