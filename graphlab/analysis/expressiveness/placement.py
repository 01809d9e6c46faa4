"""Where a model stands among the tests, and what that allows it on a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphlab.analysis.expressiveness.ceilings import Ceilings, ceilings
from graphlab.analysis.expressiveness.classes import class_of_model
from graphlab.analysis.expressiveness.hierarchy import stronger_than, weaker_than
from graphlab.analysis.expressiveness.tests import TESTS, WLTest, find_tests
from graphlab.analysis.probe import Finding
from graphlab.core.errors import IncompatibleError, InputError
from graphlab.data.dataset import Dataset
from graphlab.model.registry import MODELS, ModelEntry, find_model


@dataclass(frozen=True, repr=False)
class Placement(Finding):
    """A model's class in the hierarchy. `dataset` is empty where none was asked about.

    test      the class: what this test cannot tell apart, no model of these settings can
    weaker    tests known to tell apart less, and stronger, more
    ceiling   what the class separates on the data set, by category and in total; None without a data set, or where
              the test is not run on graphs so large
    tests     the same of every test that was asked about
    """

    model: str
    settings: Mapping[str, Any]
    test: str
    weaker: tuple[str, ...]
    stronger: tuple[str, ...]
    ceiling: Mapping[str, int] | None
    tests: Mapping[str, Mapping[str, int]]

    def to_json(self) -> dict[str, Any]:
        placed = {
            "probe": self.probe,
            "model": self.model,
            "settings": dict(self.settings),
            "class": self.test,
            "weaker": list(self.weaker),
            "stronger": list(self.stronger),
        }
        if not self.dataset:
            return placed
        found = {
            "dataset": self.dataset,
            "ceiling": None if self.ceiling is None else dict(self.ceiling),
            "tests": {name: dict(counts) for name, counts in self.tests.items()},
            "summary": dict(self.summary),
        }
        return placed | found


def place(
    model: ModelEntry,
    dataset: Dataset | None = None,
    tests: str | WLTest | Iterable[str | WLTest] = "all",
    settings: Mapping[str, Any] | None = None,
) -> Placement:
    """A model's class, by `class_of_model`, what the diagram puts below and above it and, on a data set, the ceiling
    that follows beside those of other tests; see `ceilings`.

    settings  those of the model that differ from its defaults: some decide its class

    Raises IncompatibleError for a model whose class is not known, ConfigError for a setting that it does not have.
    """
    config = model.config.parse(settings or {}, where=model.name)
    test = class_of_model(model.cls, config)
    if test is None:
        raise IncompatibleError(
            f"no test is known that tells apart all that {model.name} does",
            hint=f"one is known of {', '.join(_placed())}",
        )
    asked = find_tests(tests)
    found = None if dataset is None else ceilings(dataset, asked)
    listed = list(TESTS) if tests == "all" else [one.name for one in asked]
    counts = found.tests if found else {}
    own = counts.get(test) or (_alone(dataset, test) if dataset else None)
    return Placement(
        probe="expressiveness",
        dataset=found.dataset if found else "",
        text=_text(model.name, test) + (_of_data(found, test, own) if found else ""),
        summary=found.summary if found else {},
        rows=_rows(test, listed, counts if own is None else {**counts, test: own}),
        model=model.name,
        settings=dict(settings or {}),
        test=test,
        weaker=weaker_than(test),
        stronger=stronger_than(test),
        ceiling=own,
        tests=counts,
    )


def _alone(dataset: Dataset, test: str) -> Mapping[str, int] | None:
    try:
        return ceilings(dataset, test).tests[test]
    except InputError:  # FWL(3) is for small graphs
        return None


def _text(model: str, test: str) -> str:
    weaker, stronger = (", ".join(names) or "none" for names in (weaker_than(test), stronger_than(test)))
    return (
        f"{model} tells no two graphs apart that {test} does not, however it is trained. Weaker tests: {weaker}. "
        f"Stronger ones: {stronger}."
    )


def _of_data(found: Ceilings, test: str, own: Mapping[str, int] | None) -> str:
    if own is None:
        return f" On {found.dataset} the ceiling is not known: {test} is not run on graphs so large."
    return f" On {found.dataset} the ceiling is {own['total']:,} of {found.summary['num_pairs']:,} pairs."


def _rows(test: str, asked: list[str], counts: Mapping[str, Mapping[str, int]]) -> tuple[Mapping[str, Any], ...]:
    """A row a test that was asked about, and the model's class."""
    stands = dict.fromkeys(weaker_than(test), "weaker") | dict.fromkeys(stronger_than(test), "stronger")
    stands[test] = "the model's class"
    names = counts or dict.fromkeys([*asked, test])
    return tuple({"test": name, "is": stands.get(name, "not compared"), **counts.get(name, {})} for name in names)


def _placed() -> list[str]:
    """The models whose class is known."""
    entries = map(find_model, MODELS.names())
    return [entry.name for entry in entries if class_of_model(entry.cls, entry.config()) is not None]
