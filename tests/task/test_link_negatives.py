"""Shared and hard negatives of link prediction: ranks and hits against loops, and the settings that say which."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from graphlab.core.errors import ConfigError, InputError
from graphlab.data.check import check
from graphlab.data.dataset import Split, Splits
from graphlab.experiment.plan import make_plan
from graphlab.model.base import LinkModel
from graphlab.task.base import Learner, Shard
from graphlab.task.kinds.link_prediction import HITS, Config, LinkPrediction
from graphlab.task.ranking import ranked_metric, ranks, shared_hits
from graphlab.testing.examples import example
from graphlab.training.distributed import gather_rows


class Table(LinkModel):
    """A score for each pair, of few values, so that many are tied."""

    def __init__(self, values=4, seed=0) -> None:
        super().__init__()
        scores = np.random.default_rng(seed).integers(0, values, (24, 24))
        self.scores = torch.from_numpy(scores + scores.T).float()

    def encode(self, graph) -> Tensor:
        return self.scores

    def score_nodes(self, encoding: Tensor, sources: Tensor, candidates: Tensor | None = None) -> Tensor:
        return encoding[sources] if candidates is None else encoding[sources].gather(1, candidates)


def learner(**options) -> Learner:
    return Learner(Table(**options), nn.Identity())


def task(data=None, shard: Shard | None = None, **options) -> LinkPrediction:
    data = example("links") if data is None else data
    return LinkPrediction(Config(**options), data, data.split(), shard=shard)


def hard(data=None, shard=None, **options) -> LinkPrediction:
    return task(data, shard, **{"negatives": "hard", "num_hard_negatives": 8, **options})


def links_of(rows):
    return rows[rows[:, 2] == 1][:, :2].tolist()


def slow_rank(score, others):
    return 1 + sum(other > score for other in others) + sum(other == score for other in others) / 2


@pytest.mark.parametrize("size", [1, 8, 1000])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_each_link_is_ranked_among_its_own_negatives(part, size):
    links, model = hard(evaluation_batch_size=size), learner()
    scores = model.model.scores
    negatives = links.hard_negatives(part).tolist()
    expected = []
    for (u, v), (for_u, for_v) in zip(links_of(getattr(links.split, part)), negatives, strict=True):
        others = [float(scores[u, w]) for w in for_u] + [float(scores[w, v]) for w in for_v]
        expected.append(slow_rank(float(scores[u, v]), others))
    rows = links.predict(model, part)
    is_link = getattr(links.split, part)[:, 2] == 1
    assert rows[is_link].tolist() == [[rank, 8.0] for rank in expected]
    assert not rows[~is_link].any() and len(rows) == len(is_link)
    metrics = links.score(rows, part)
    assert list(metrics) == ["mrr", *HITS] == list(links.metrics(links.config, links.dataset))
    assert metrics["mrr"] == pytest.approx(np.mean([1 / rank for rank in expected]))
    for k in (1, 3, 10, 20):
        assert metrics[f"hits@{k}"] == np.mean([rank <= k for rank in expected])


def test_negatives_are_of_the_training_graph_and_leave_out_what_is_known():
    links = hard(num_hard_negatives=12)
    train = links_of(links.split.train)
    for part, known in (("validation", train), ("test", train + links_of(links.split.validation))):
        both = {*map(tuple, known), *((v, u) for u, v in known)}
        negatives = links.hard_negatives(part)
        assert negatives.shape == (len(links_of(getattr(links.split, part))), 2, 6)
        for (u, v), own in zip(links_of(getattr(links.split, part)), negatives.tolist(), strict=True):
            for end, other, nodes in ((u, v, own[0]), (v, u, own[1])):
                assert not {(end, w) for w in nodes} & both and not {u, v} & set(nodes) and other not in nodes


def test_the_seed_and_the_combination_choose_the_negatives():
    tensors = [
        hard(**options).hard_negatives("test") for options in ({}, {"negatives_seed": 1}, {"combination": "mean"})
    ]
    assert torch.equal(tensors[0], hard().hard_negatives("test"))
    assert not torch.equal(tensors[0], tensors[2])


def test_a_pre_transform_leaves_the_negatives_as_they_are():
    settings = {"task.negatives": "hard", "task.num_hard_negatives": 8}
    for name in ("links", "links-without-features"):
        plain = make_plan("katz", example(name), settings).make_task(0)
        encoded = make_plan("katz", example(name), {**settings, "pre_transform": "identity"}).make_task(0)
        assert encoded.dataset.graph.x.shape[1] > 20
        assert torch.equal(plain.hard_negatives("test"), encoded.hard_negatives("test"))


def test_shards_make_the_whole():
    whole, model = hard(), learner()
    rows = whole.predict(model, "test")
    together = torch.empty_like(rows)
    for rank in range(3):
        together[rank::3] = hard(shard=Shard(rank, 3)).predict(model, "test")
    assert torch.equal(together, rows) and gather_rows(rows, Shard()) is rows
    few = hard(shard=Shard(0, 100)).predict(model, "validation")
    assert few.shape == (1, 2)


def test_scores_that_are_no_numbers_have_no_rank():
    links, model = hard(), learner()
    model.model.scores[:] = torch.nan
    assert all(math.isnan(value) for value in links.evaluate(model, "test").values())


@pytest.mark.parametrize("part", ["validation", "test"])
def test_shared_negatives_are_those_of_the_split(part):
    links, model = task(negatives="shared"), learner()
    rows = links.predict(model, part)
    assert torch.equal(rows, task().predict(model, part))
    items = getattr(links.split, part)
    positive, negative = rows[items[:, 2] == 1].tolist(), sorted(rows[items[:, 2] == 0].tolist(), reverse=True)
    scores = links.score(rows, part)
    assert list(scores) == ["auroc", "ap", *HITS] == list(links.metrics(links.config, links.dataset))
    assert {key: scores[key] for key in ("auroc", "ap")} == task().score(rows, part)
    for k in (1, 3, 10, 20, 50, 100):
        expected = np.mean([p > negative[k - 1] for p in positive]) if len(negative) >= k else 1.0
        assert scores[f"hits@{k}"] == expected


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=1), st.lists(st.integers(0, 4), min_size=1), st.integers(1, 9))
def test_hits_count_positives_with_fewer_than_k_negatives_as_high(positive, negative, k):
    expected = np.mean([sum(n >= p for n in negative) < k for p in positive])
    assert shared_hits(torch.tensor(positive).float(), torch.tensor(negative).float(), k) == pytest.approx(expected)


def test_hits_of_nothing_and_of_what_is_no_number_are_not_defined():
    some, nothing, bad = torch.ones(2), torch.ones(0), torch.tensor([1.0, torch.nan])
    assert all(math.isnan(shared_hits(p, n, 3)) for p, n in ((nothing, some), (bad, some), (some, bad)))
    assert math.isnan(ranked_metric("hits@3", torch.tensor([1.0, torch.nan])))
    assert math.isnan(ranked_metric("mrr", torch.ones(0)))


@pytest.mark.real_data
@pytest.mark.parametrize("pack", ["heart_negatives_karate", "heart_negatives_sbm300"])
def test_ranks_are_those_of_the_published_evaluator(pack, truth):
    arrays = truth(pack)
    scores = torch.from_numpy(np.concatenate([arrays["rank_pos_score"][:, None], arrays["rank_neg_score"]], axis=1))
    nothing = torch.zeros(0, dtype=torch.int64)
    rank, competitors = ranks(scores, torch.zeros(len(scores), dtype=torch.int64), (nothing, nothing), "mean")
    assert (competitors == 20).all()
    np.testing.assert_array_equal((1 / rank).float().numpy(), arrays["rank_reciprocal"])
    np.testing.assert_array_equal((rank <= 10).float().numpy(), arrays["rank_hits10"])
    assert ranked_metric("hits@10", rank) == pytest.approx(arrays["rank_hits10"].mean())


def published(negatives=None, **parts):
    """The example with negatives of its own."""
    data = example("links")
    split = data.split()
    if negatives is None:
        links = hard()
        negatives = {part: links.hard_negatives(part).flip(2) for part in ("validation", "test")}
    splits = Splits("published", fixed=(Split(*(items for _, items in split.parts()), negatives=negatives),))
    return replace(data, splits=splits, **parts)


def test_published_negatives_are_used_as_they_are():
    data, model = published(), learner()
    assert check(data) is data
    links = task(data, negatives="hard")
    assert torch.equal(links.hard_negatives("test"), data.split().negatives["test"])
    assert torch.equal(links.predict(model, "test"), hard().predict(model, "test"))
    assert data.fingerprint != published({}).fingerprint
    assert data.split().fingerprint != published({}).split().fingerprint
    with pytest.raises(InputError, match=r"has 8 hard negatives of each link, task\.num_hard_negatives is 10"):
        task(data, negatives="hard", num_hard_negatives=10)


def test_published_negatives_are_kept_with_a_data_set_of_ones_own(tmp_path):
    from graphlab.data.identity import identify
    from graphlab.data.load import load
    from graphlab.data.own import keep

    data = identify(published())
    keep(data, tmp_path)
    again = load(data.name, store=tmp_path)
    assert again.fingerprint == data.fingerprint
    for part, nodes in data.split().negatives.items():
        assert torch.equal(again.split().negatives[part], nodes)


def _changed(change):
    negatives = {part: nodes.clone() for part, nodes in published().split().negatives.items()}
    change(negatives["test"])
    return {"test": negatives["test"]}


@pytest.mark.parametrize(
    ("negatives", "words"),
    [
        ({"train": torch.zeros(1, 2, 3, dtype=torch.int64)}, "negatives of 'train'"),
        ({"test": torch.zeros(1, 3, dtype=torch.int64)}, r"the shape \[1, 3\], not \[links, 2, count\]"),
        ({"test": torch.zeros(1, 2, 0, dtype=torch.int64)}, r"the shape \[1, 2, 0\]"),
        ({"test": torch.zeros(1, 2, 3)}, "is float32"),
        ({"test": torch.zeros(1, 2, 3, dtype=torch.int64)}, "negatives of 1"),
        ({"test": hard().hard_negatives("test")}, "has 0 and 4 negatives of the ends of its links"),
        (
            {
                "validation": hard(num_hard_negatives=6).hard_negatives("validation"),
                "test": hard().hard_negatives("test"),
            },
            "has 3 and 4 negatives",
        ),
    ],
)
def test_negatives_of_another_form_are_refused(negatives, words):
    with pytest.raises(InputError, match=words):
        check(published(negatives))


def test_negatives_that_cannot_be_right_are_refused():
    data = published()
    u, v = links_of(data.split().test)[0]
    train = data.split().train[:, :2]
    neighbour = next(int(b) for a, b in torch.cat([train, train.flip(1)]).tolist() if a == u)
    for node, words in (
        (24, "negatives 24"),
        (v, "an end of their own link"),
        (neighbour, "1 negatives that are train"),
    ):

        def change(nodes, node=node):
            nodes[0, 0, 0] = node

        with pytest.raises(InputError, match=words):
            check(published(_changed(change)))
    nodes = example("node-classification")
    split = Split(*(items for _, items in nodes.split().parts()), negatives=published().split().negatives)
    with pytest.raises(InputError, match="has negatives, and its items are nodes"):
        check(replace(nodes, splits=Splits("public", fixed=(split,))))


@pytest.mark.parametrize(
    ("options", "metric", "negatives"),
    [
        ({}, "auroc", "uniform, one for each link"),
        ({"metric": "ap"}, "ap", "uniform, one for each link"),
        ({"negatives": "shared"}, "hits@50", "uniform, one for each link, shared by all links"),
        ({"negatives": "hard"}, "mrr", "hard, 500 for each link, by the min of ranks, ties by seed 0"),
        (
            {"negatives": "hard", "num_hard_negatives": 20, "combination": "mean", "metric": "hits@10"},
            "hits@10",
            "hard, 20 for each link, by the mean of ranks, ties by seed 0",
        ),
    ],
)
def test_the_protocol_says_which_negatives_and_metric(options, metric, negatives):
    data, config = example("links"), Config(**options)
    protocol = LinkPrediction.protocol(config, data)
    assert (protocol["metric"], protocol["negatives"]) == (metric, negatives)
    assert protocol.get("tie") == ("mean" if options.get("negatives") == "hard" else None)
    assert LinkPrediction.selection(config, data) == (metric, "max")
    assert metric in LinkPrediction.metrics(config, data)
    stated = LinkPrediction.protocol(Config(negatives="hard"), published())["negatives"]
    assert stated == "hard, 8 for each link, published with the split"


def test_a_run_is_another_for_each_choice_and_the_default_is_what_it_was():
    choices = ({}, {"negatives": "shared"}, {"negatives": "hard"}, {"negatives": "hard", "combination": "mean"})
    choices += ({"metric": "ap"}, {"negatives": "hard", "num_hard_negatives": 20})
    specs = [
        make_plan("katz", example("links"), {f"task.{key}": value for key, value in options.items()}).spec(0)
        for options in choices
    ]
    assert len({spec.id for spec in specs}) == len(choices)
    assert make_plan("katz", example("links"), {"task.negatives": "uniform"}).spec(0).id == specs[0].id
    assert LinkPrediction.version == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metric": "mrr"}, r"task\.metric=mrr is not measured against uniform negatives"),
        ({"negatives": "shared", "metric": "mrr"}, "not measured against shared"),
        ({"negatives": "hard", "metric": "auroc"}, "not measured against hard"),
        ({"negatives": "hard", "num_hard_negatives": 7}, "cannot be halved"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options, words):
    with pytest.raises(InputError, match=words) as refused:
        task(**options)
    assert refused.value.hint


@pytest.mark.parametrize("options", [{"negatives": "easy"}, {"metric": "hits@2"}, {"num_hard_negatives": 0}])
def test_settings_that_there_are_not_are_refused(options):
    with pytest.raises(ConfigError):
        Config.parse(options, where="task")


def test_more_negatives_than_there_are_candidates_are_refused():
    with pytest.raises(InputError, match=r"candidates for 250 hard negatives"):
        task(negatives="hard").predict(learner(), "test")


@pytest.mark.real_data
def test_common_neighbours_of_citeseer_rank_as_the_published_arrays_say(truth):
    """Calculated of the file alone, by a matrix of the training links."""
    arrays = {key: array.astype(np.int64) for key, array in truth("heart_citeseer").items()}
    adjacency = np.zeros((3327, 3327), np.float32)
    source, target = arrays["train_pos"][arrays["train_pos"][:, 0] != arrays["train_pos"][:, 1]].T
    adjacency[source, target] = adjacency[target, source] = 1
    counts = adjacency @ adjacency
    source, target = arrays["test_pos"].T
    for_source, for_target = (arrays[f"test_hard_neg_for_{end}"] for end in ("source", "target"))
    others = np.concatenate([counts[source[:, None], for_source], counts[for_target, target[:, None]]], axis=1)
    rank = np.array([slow_rank(own, row) for own, row in zip(counts[source, target], others, strict=True)])
    plan = make_plan("common-neighbours", "planetoid/citeseer@heart", {"task.negatives": "hard"})
    assert plan.protocol["negatives"] == "hard, 500 for each link, published with the split"
    links = plan.make_task(0)
    scores = links.evaluate(plan.make_learner(links, 0), "test")
    assert scores["mrr"] == pytest.approx(np.mean(1 / rank), rel=1e-12)
    assert scores["hits@100"] == pytest.approx(np.mean(rank <= 100), rel=1e-12)
    assert (round(scores["mrr"], 4), round(scores["hits@10"], 4)) == (0.0842, 0.1868)
