"""What an experiment file may say. Each run is one entry; nothing is multiplied out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from graphlab.comparison.yaml_files import read_mapping
from graphlab.core.config import Config
from graphlab.core.errors import ConfigError
from graphlab.core.seeds import parse_seeds

Text = Annotated[str, Field(min_length=1)]
Fraction = Annotated[float, Field(allow_inf_nan=False)]


class Expectation(Config):
    """A claim on the mean of a test metric over the seeds: exactly one of the four.

    within  `published`: it agrees with every published number of the same protocol and recipe; there is one or more
    above   models of this experiment, on the same data set: it is above each of them by the paired test over the seeds,
            corrected for their number; needs two seeds or more
    """

    metric: Text
    at_least: Fraction | None = None
    at_most: Fraction | None = None
    within: Literal["published"] | None = None
    above: Annotated[list[Text], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if sum(value is not None for value in (self.at_least, self.at_most, self.within, self.above)) != 1:
            raise ValueError("a claim needs exactly one of at_least, at_most, within and above")
        return self

    def __str__(self) -> str:
        if self.within:
            return f"{self.metric} agrees with what is published"
        if self.above:
            return f"{self.metric} is above that of {' and '.join(self.above)}"
        bound, value = ("at least", self.at_least) if self.at_least is not None else ("at most", self.at_most)
        return f"{self.metric} is {bound} {value:g}"


class Entry(Config):
    """One model on one data set, over the experiment's seeds.

    settings  what differs from the published recipe, by dotted name: `training.epochs: 50`
    start     data set of an earlier entry with the same model: each run starts from the weights that the run there
              with the same seed selected; with `training.epochs: 0` it is tested as it is
    refuses   the two do not fit together, and the experiment shows that this is said before anything runs
    """

    model: Text
    dataset: Text
    settings: Mapping[str, Any] = Field(default_factory=dict)
    start: Text | None = None
    expect: list[Expectation] = Field(default_factory=list)
    refuses: bool = False

    @model_validator(mode="after")
    def _expects_what_can_be(self) -> Self:
        if self.refuses and self.expect:
            raise ValueError("a run that must be refused has no result to expect anything of")
        return self


class Experiment(Config):
    """An experiment: runs over the same seeds, and what is claimed of them."""

    title: Text
    description: str = ""
    seeds: int | str | list[int] = 1
    runs: Annotated[list[Entry], Field(min_length=1)]


def read_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Read and check an experiment file. Raises InputError or ConfigError naming the file and the key."""
    file = Path(path)
    content = read_mapping(file)
    experiment = Experiment.parse(content, where=file.name)
    parse_seeds(experiment.seeds)
    for index, entry in enumerate(experiment.runs):
        _require_others(entry, experiment, file.name)
        _require_start(entry, experiment.runs[:index], file.name)
    asked = [(e.model, e.dataset, e.start or "", repr(sorted(e.settings.items()))) for e in experiment.runs]
    for index, key in enumerate(asked):
        if key in asked[:index]:
            raise ConfigError(f"{file.name} has {key[0]} on {key[1]} twice", hint="each run is one entry; name it once")
    return experiment


def _require_others(entry: Entry, experiment: Experiment, where: str) -> None:
    """What a claim compares with must be in the experiment."""
    beside = {other.model for other in experiment.runs if other.dataset == entry.dataset and not other.refuses}
    for expectation in entry.expect:
        for model in expectation.above or ():
            if model not in beside - {entry.model}:
                raise ConfigError(
                    f"{where} compares {entry.model} with {model!r}, which it does not run on {entry.dataset}",
                    hint="add that run to the file",
                )


def starting_point(entry: Entry, earlier: Sequence[Entry]) -> int | None:
    """The place of the entry that this one starts from: the last earlier one of its model on the data set named."""
    fits = [i for i, e in enumerate(earlier) if (e.model, e.dataset) == (entry.model, entry.start) and not e.refuses]
    return fits[-1] if fits else None


def _require_start(entry: Entry, earlier: Sequence[Entry], where: str) -> None:
    if entry.start is not None and starting_point(entry, earlier) is None:
        raise ConfigError(
            f"{where} starts {entry.model} on {entry.dataset} from {entry.start!r}, on which it does not run before",
            hint=f"add an entry of {entry.model} on {entry.start} above it",
        )
