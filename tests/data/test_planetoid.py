"""Citation networks against what is published of them, and raw files that are not what they should be."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from torch_geometric.utils import contains_isolated_nodes, contains_self_loops

from graphlab.core.errors import DataError, InputError, UnsafePickleError
from graphlab.data.adapters import planetoid
from graphlab.data.card import Source
from graphlab.data.fetch import Files
from graphlab.data.load import load

pytestmark = pytest.mark.real_data

CLASS_SIZES = {"cora": [351, 217, 418, 818, 426, 298, 180], "citeseer": [249, 590, 668, 701, 596, 508]}
"""Of the labelled nodes; the smallest class of CiteSeer is AI, the largest of Cora neural networks."""


@pytest.mark.parametrize("variant", CLASS_SIZES)
def test_classes_have_their_published_sizes(variant):
    dataset = load(variant)
    sizes = dataset.graph.y.bincount()
    sizes[0] -= 15 if variant == "citeseer" else 0
    assert sizes.tolist() == CLASS_SIZES[variant]
    assert len(dataset.labels["classes"]) == len(sizes)


@pytest.mark.parametrize(("variant", "homophily"), [("cora", 0.81), ("citeseer", 0.74)])
def test_edge_homophily(variant, homophily):
    """Pei et al. 2020 and Zhu et al. 2020 give 0.81 and 0.74."""
    graph = load(variant).graph
    source, target = graph.edge_index
    assert (graph.y[source] == graph.y[target]).float().mean().item() == pytest.approx(homophily, abs=0.006)


@pytest.mark.parametrize("variant", ["cora", "citeseer"])
def test_features_and_edges(variant):
    graph = load(variant).graph
    rows = graph.x.sum(dim=1)
    assert torch.all(((rows - 1).abs() < 1e-5) | (rows == 0))
    assert not contains_self_loops(graph.edge_index)
    assert not graph.is_coalesced() or len(graph.edge_index.unique(dim=1).t()) == graph.num_edges
    assert contains_isolated_nodes(graph.edge_index, graph.num_nodes) == (variant == "citeseer")


@pytest.mark.parametrize("variant", ["cora", "citeseer"])
def test_public_split_is_the_published_one(variant):
    dataset = load(variant)
    split, num_classes = dataset.split(), dataset.spec.num_outputs
    assert dataset.graph.y[split.train].bincount().tolist() == [20] * num_classes
    assert split.train.tolist() == list(range(20 * num_classes))
    assert split.validation.tolist() == list(range(20 * num_classes, 20 * num_classes + 500))
    raw = Path(os.environ["GRAPHLAB_MIRROR"], "planetoid", f"ind.{variant}.test.index").read_text().split()
    assert split.test.tolist() == sorted(map(int, raw))


@pytest.mark.parametrize(("variant", "train"), [("cora", 1208), ("citeseer", 1812)])
def test_full_split_has_the_sizes_of_fastgcn(variant, train):
    split = load(variant, split="full").split()
    assert [len(items) for _, items in split.parts()] == [train, 500, 1000]
    assert torch.equal(split.test, load(variant).split().test)


def test_random_split_follows_the_seed():
    dataset = load("citeseer@random")
    first, again, other = dataset.split(0), dataset.split(0), dataset.split(1)
    assert torch.equal(first.train, again.train) and not torch.equal(first.train, other.train)
    assert dataset.graph.y[first.train].bincount().tolist() == [20] * 6
    assert [len(items) for _, items in first.parts()] == [120, 500, 1000]
    unlabelled = (dataset.graph.x.sum(dim=1) == 0).nonzero().flatten()
    for _, items in first.parts():
        assert torch.isin(items, unlabelled).sum() == 0


def test_geom_gcn_has_ten_splits_that_seeds_cycle_through():
    dataset = load("cora@geom-gcn")
    assert len(dataset.splits.fixed) == 10
    assert torch.equal(dataset.split(13).test, dataset.split(3).test)
    assert not torch.equal(dataset.split(0).test, dataset.split(1).test)
    assert {tuple(len(items) for _, items in split.parts()) for split in dataset.splits.fixed} == {(1192, 796, 497)}


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A copy of the raw files, to be spoiled."""
    folder = tmp_path / "mirror"
    shutil.copytree(Path(os.environ["GRAPHLAB_MIRROR"], "planetoid"), folder / "planetoid")
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(folder))
    return folder / "planetoid"


@pytest.mark.parametrize("part", planetoid.PARTS)
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b""])
def test_spoiled_file_is_named(mirror, part, damage):
    load("cora")
    path = mirror / f"ind.cora.{part}"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        load("cora")
    assert path.name in caught.value.message
    assert "sha256" in caught.value.message
    assert caught.value.hint


class Hostile:
    def __reduce__(self):
        return os.system, ("exit 1",)


def unchecked(variant: str) -> Files:
    """The files as they are, so that what lies behind the digest is tested too."""
    return Files(Source(source.path, None, url="http://127.0.0.1:9") for source in planetoid.CARD.sources[variant])


def test_hostile_pickle_behind_the_digest(mirror):
    (mirror / "ind.cora.x").write_bytes(pickle.dumps(Hostile()))
    (mirror / "ind.cora.allx").write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(UnsafePickleError, match=r"ind\.cora\.allx.*system"):
        planetoid.build("cora", unchecked("cora"), "public")


def test_file_of_the_wrong_kind_behind_the_digest(mirror):
    (mirror / "ind.cora.allx").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(DataError, match="holds a list"):
        planetoid.build("cora", unchecked("cora"), "public")


def test_the_split_of_heart_is_the_published_one(truth):
    arrays = truth("heart_citeseer")
    dataset = load("citeseer@heart")
    split = dataset.split()
    assert dataset.task == "link-prediction" and [len(items) for _, items in split.parts()] == [3870, 454, 910]
    train = {tuple(sorted(pair)) for pair in arrays["train_pos"].tolist() if pair[0] != pair[1]}
    assert {tuple(pair) for pair in split.train[:, :2].tolist()} == train
    for name, part in (("valid", "validation"), ("test", "test")):
        rows, links = getattr(split, part).tolist(), arrays[f"{name}_pos"].tolist()
        assert [row[:2] for row in rows[: len(links)]] == [sorted(pair) for pair in links]
        assert [row[:2] for row in rows[len(links) :]] == [sorted(pair) for pair in arrays[f"{name}_neg"].tolist()]
        assert [row[2] for row in rows] == [1] * len(links) + [0] * len(links)
        negatives = split.negatives[part]
        assert negatives.shape == (len(links), 2, 250)
        of_end = {end: arrays[f"{name}_hard_neg_for_{end}"].tolist() for end in ("source", "target")}
        for place, (source, target) in enumerate(links):
            own = dict(zip(sorted((source, target)), negatives[place].tolist(), strict=True))
            assert (own[source], own[target]) == (of_end["source"][place], of_end["target"][place])


def test_the_split_of_heart_holds_the_links_that_other_splits_draw():
    heart, drawn = load("citeseer@heart"), load("citeseer@links")
    assert torch.equal(heart.graph.edge_index, drawn.graph.edge_index)
    assert torch.equal(heart.graph.x, (drawn.graph.x > 0).float())
    rows = [torch.cat([items for _, items in each.split().parts()]) for each in (heart, drawn)]
    links = [{tuple(row[:2]) for row in each.tolist() if row[2]} for each in rows]
    assert links[0] == links[1] and len(links[0]) == 4552


def test_the_split_of_heart_is_of_citeseer_alone():
    with pytest.raises(InputError, match="planetoid/cora has no split 'heart'") as refused:
        load("cora@heart")
    assert "heart" not in str(refused.value.hint) and "links" in str(refused.value.hint)
    assert "heart" in planetoid.CARD.splits_of("citeseer") and "heart" not in planetoid.CARD.splits_of("cora")


def test_a_split_with_files_of_its_own_leaves_the_others_as_they_were():
    """The identity of a run on them has the digests of their files."""
    sources = [planetoid.CARD.sources_of("citeseer", split) for split in ("public", "links", "heart")]
    assert sources[0] == sources[1] and sources[2] == (*sources[0], planetoid.HEART_FILE)
