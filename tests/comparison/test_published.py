"""Every published number that ships is valid and cited, and a mistake in a file is named."""

from __future__ import annotations

from statistics import pstdev, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab.comparison.numbers import FOLDER, PublishedNumber, published, published_datasets, sources
from graphlab.core.errors import ConfigError, InputError
from graphlab.data.registry import DATASETS
from graphlab.model.registry import MODELS

SOURCES_BY_KEY = sources(FOLDER)
SOURCE = "s1: {title: T, authors: A and B, year: 2020, url: 'https://example.org/1'}\n"
GOOD = (
    "{model: gcn, metric: accuracy, mean: 0.8, source: s1, where: Table 1, protocol: {split: public}, certainty: read}"
)


@pytest.mark.parametrize("dataset", published_datasets())
def test_every_shipped_number_is_a_cited_fraction(dataset):
    numbers = published(dataset)
    assert numbers
    for number in numbers:
        assert 0 < number.mean <= 1
        assert number.std is None or 0 < number.std < 0.15
        assert round(number.mean, number.decimals) == number.mean
        assert number.source.url.startswith("https://")
        assert number.where
        assert "split" in number.protocol
        assert number.model is None or number.model in MODELS.names()


@pytest.mark.parametrize("dataset", published_datasets())
def test_some_number_is_of_a_split_that_the_data_set_offers(dataset):
    """A split that is named otherwise here than in the data set would make every number incomparable, in silence."""
    offered = DATASETS.resolve(dataset.partition("@")[0]).module.CARD.splits
    assert any(number.protocol["split"] in offered for number in published(dataset))


@pytest.mark.parametrize("dataset", published_datasets())
def test_no_number_is_there_twice(dataset):
    keys = [(n.name, n.metric, n.source.key, repr(sorted(n.protocol.items()))) for n in published(dataset)]
    assert len(set(keys)) == len(keys)


def test_every_source_is_cited_by_some_number():
    cited = {number.source.key for dataset in published_datasets() for number in published(dataset)}
    assert cited == set(sources(FOLDER))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_deviations_of_the_population_become_those_of_a_sample(values):
    common = {"mean": 0.5, "n": len(values), "source": SOURCES_BY_KEY["kipf2017"], "where": "Table 1"}
    common |= {"model": "gcn", "metric": "accuracy", "protocol": {"split": "public"}, "certainty": "read"}
    population, sample = pstdev(values), stdev(values)
    stated = {"population": population, "sample": sample, "not stated": sample}
    for std_of, std in stated.items():
        number = PublishedNumber.parse({**common, "std": std, "std_of": std_of}, where="test")
        assert number.sample_std == pytest.approx(sample, abs=1e-12)
    assert PublishedNumber.parse(common, where="test").sample_std is None


def test_the_deviations_of_zinc_are_of_ten_runs_and_of_the_population():
    numbers = [number for variant in ("12k", "full") for number in published(f"zinc/{variant}")]
    assert len(numbers) == 8
    for number in numbers:
        assert (number.std_of, number.n) == ("population", 10)
        assert number.sample_std == pytest.approx(number.std * (10 / 9) ** 0.5)


def test_numbers_read_in_another_document_say_in_which():
    numbers = published("planetoid/cora")
    assert all("GAT" in number.quoted_in for number in numbers if number.model in ("mlp", "label-propagation"))
    assert next(number for number in numbers if number.model == "gcn").quoted_in == ""


def test_known_values():
    gcn = {dataset: _mean(dataset, "gcn") for dataset in ("cora", "citeseer", "pubmed")}
    assert gcn == {"cora": 0.815, "citeseer": 0.703, "pubmed": 0.79}
    gat = next(n for n in published("planetoid/cora") if n.model == "gat")
    assert (gat.mean, gat.std, gat.n) == (0.83, 0.007, 100)
    assert gat.reference == "Veličković et al. 2018, Table 2"


def _mean(dataset, model):
    return next(n.mean for n in published(f"planetoid/{dataset}") if n.model == model)


def test_a_split_in_the_name_finds_the_same_numbers():
    assert published("planetoid/cora@full") == published("planetoid/cora")


@pytest.mark.parametrize(
    "name",
    ["planetoid/cora+gdc", "planetoid/cora@public+gdc", "cora", "planetoid/Cora", "../published/planetoid/cora", ""],
)
def test_any_other_name_is_another_data_set(name):
    assert published(name) == []


def test_nothing_published_is_an_empty_list():
    assert published("karate") == []
    assert published("sources") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("numbers: [", "not valid YAML"),
        ("- 1", "does not hold a mapping"),
        ("entries: []", "one key, numbers"),
        ("numbers: {}", "one key, numbers"),
        ("numbers: [3]", "number 1 is not a mapping"),
        (f"numbers: [{GOOD.replace('s1', 's2')}]", "cites 's2'"),
        (f"numbers: [{GOOD.replace('mean: 0.8', 'mean: high')}]", "number 1.mean cannot be 'high'"),
        (f"numbers: [{GOOD.replace('mean: 0.8', 'mean: .nan')}]", "mean cannot be nan"),
        (f"numbers: [{GOOD.replace('mean', 'meen')}]", "number 1 "),
        (f"numbers: [{GOOD.replace('certainty: read', 'certainty: sure')}]", "certainty cannot be 'sure'"),
        (f"numbers: [{GOOD.replace('model: gcn', 'model: gcn, method: GCN')}]", "either model"),
        (f"numbers: [{GOOD.replace('model: gcn, ', '')}]", "either model"),
        (f"numbers: [{GOOD.replace('mean: 0.8', 'mean: 0.8, std: 0.1')}]", "give std and std_of together"),
        (f"numbers: [{GOOD.replace('mean: 0.8', 'mean: 0.8, std_of: sample')}]", "give std and std_of together"),
        (f"numbers: [{GOOD.replace('mean: 0.8', 'mean: 0.8, std: 0.1, std_of: all, n: 3')}]", "std_of cannot be 'all'"),
        (f"numbers: [{GOOD.replace('mean: 0.8', 'mean: 0.8, std: 0.1, std_of: population')}]", "needs n of two runs"),
        (f"numbers: [{GOOD.replace('metric: accuracy', 'metric: accuracy, metric: mrr')}]", "'metric' is given twice"),
    ],
)
def test_a_malformed_file_is_one_clear_error(tmp_path, text, message):
    (tmp_path / "sources.yaml").write_text(SOURCE)
    (tmp_path / "toy.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        published("toy", tmp_path)
    assert message in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", ""])
def test_a_source_needs_a_web_address(tmp_path, url):
    (tmp_path / "sources.yaml").write_text(SOURCE.replace("https://example.org/1", url))
    with pytest.raises(ConfigError, match="url"):
        sources(tmp_path)


def test_an_unreadable_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        sources(tmp_path)
