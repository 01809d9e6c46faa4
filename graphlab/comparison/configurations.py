"""Runs sorted into configurations: what differs in the seed alone may share a mean, nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphlab.comparison.recipe import RecipeCheck, check_recipe
from graphlab.core.files import canonical_json
from graphlab.records.record import COMPONENTS, RunRecord, RunSpec, component_titles, model_title
from graphlab.records.statistics import Summary, summarise_values


@dataclass(frozen=True)
class Configuration:
    """The runs of one model on one data set that differ in their seed alone, as far as they have ended.

    settings  where they depart from other configurations of the same model: dotted name to value
    """

    records: tuple[RunRecord, ...]
    settings: Mapping[str, Any]

    @property
    def spec(self) -> RunSpec:
        return self.records[0].spec

    @property
    def model(self) -> str:
        """What its rows are called: the model, and where weights are from that were not trained on their own."""
        weights = {group: name for group, name in self.spec.components.items() if group == "weights"}
        return model_title(self.spec.model, *component_titles(weights))

    @property
    def eligibility(self) -> str:
        return self.records[0].eligibility

    @cached_property
    def recipe(self) -> RecipeCheck:
        return check_recipe(self.spec)

    @property
    def selecting_metric(self) -> str:
        return self.records[0].result.metric

    def values(self, metric: str) -> tuple[float, ...]:
        """The metric on test of every finished seed that reports it."""
        finished = (record.result for record in self.records if record.result.status == "finished")
        return tuple(result.test[metric] for result in finished if metric in result.test)

    def summary(self, metric: str) -> Summary:
        return summarise_values(self.values(metric), failed=sum(r.result.status == "failed" for r in self.records))


def configurations(records: Iterable[RunRecord], known: Iterable[RunRecord] = ()) -> list[Configuration]:
    """Group runs by everything in their spec but the seed, in order of appearance; runs under way are left out.

    Runs that start from the weights of other runs belong together if those do, as far as they are `known`.
    """
    groups: dict[str, list[RunRecord]] = {}
    specs = {record.id: record.spec for record in known}
    for record in {record.id: record for record in records}.values():  # a run counts once, however often it is given
        if record.result.status != "unfinished":
            groups.setdefault(_without_seed(record.spec, specs), []).append(record)
    differing = departures([group[0] for group in groups.values()])
    return [Configuration(tuple(group), differing[group[0].id]) for group in groups.values()]


def departures(records: Sequence[RunRecord]) -> dict[str, dict[str, Any]]:
    """By id, the settings of each run that are not those of all of these runs of its model on its data set."""
    questions: dict[tuple[str, str], list[RunSpec]] = {}
    for record in records:
        questions.setdefault((record.spec.model, record.spec.dataset), []).append(record.spec)
    found: dict[str, dict[str, Any]] = {}
    for specs in questions.values():
        every = [dict(_settings(spec)) for spec in specs]
        seen: dict[str, list[str]] = {}
        for settings in every:
            for name, value in settings.items():
                seen.setdefault(name, []).append(canonical_json(value))
        varied = {name for name, values in seen.items() if len(values) < len(every) or len(set(values)) > 1}
        varied |= set(COMPONENTS)
        for spec, settings in zip(specs, every, strict=True):
            found[spec.id] = {name: value for name, value in settings.items() if name in varied}
    return found


def _without_seed(spec: RunSpec, known: Mapping[str, RunSpec]) -> str:
    start = str(spec.training.get("start"))
    return canonical_json([spec.without_seed, _without_seed(known[start], known) if start in known else start])


def _settings(spec: RunSpec) -> Iterator[tuple[str, Any]]:
    yield from spec.components.items()
    for part, values in spec.settings.items():
        yield from ((f"{part}.{name}", value) for name, value in values.items())
    yield from ((f"protocol.{name}", value) for name, value in spec.protocol.items())
    yield from ((f"version.{name}", number) for name, number in spec.versions.items())
    yield ("data", spec.data[:8])
