"""Published numbers: cited data, each with the protocol it was measured under.

They lie in `published/<family>/<variant>.yaml`, or `published/<family>.yaml` for a family of one; the
sources that they name lie once in `published/sources.yaml`. A new file needs no other line anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from graphlab.comparison.yaml_files import read_mapping
from graphlab.core.citation import Citation, Kind
from graphlab.core.config import Config, NonNegativeFloat, NonNegativeInt, PositiveInt
from graphlab.core.errors import ConfigError, closest
from graphlab.data.registry import DATASETS, find_card

FOLDER = Path(__file__).parent / "published"
SOURCES = "sources.yaml"


StdOf = Literal["population", "sample", "not stated"]


class PublishedNumber(Config):
    """One number of one publication, as a fraction.

    model      our name of the model; absent where we have no such model, and then `method` is what the paper calls it
    std, n     standard deviation as printed and number of runs, where they are published
    std_of     what std is of: `population` divides by n, `sample` by n - 1; `not stated` where neither the publication
               nor its authors' code tells, and it is then taken for a sample's
    decimals   decimals of the fraction as printed: 81.5 % has 3
    source     the publication, and `where` in it
    quoted_in  the document that it was read in, where that is not the publication nor its authors' files
    protocol   what is known of the conditions; a run is comparable only if its own protocol has the same values
    certainty  `read` in the publication, its authors' files or a document that quotes it; `recalled` is to be checked
    """

    model: str | None = None
    method: str | None = None
    metric: str
    mean: Annotated[float, Field(allow_inf_nan=False)]
    std: NonNegativeFloat | None = None
    std_of: StdOf | None = None
    n: PositiveInt | None = None
    decimals: NonNegativeInt = 3
    source: Citation
    where: str
    quoted_in: str = ""
    protocol: Mapping[str, str | int | float]
    certainty: Literal["read", "recalled"]

    @model_validator(mode="after")
    def _names_one_method(self) -> Self:
        if (self.model is None) == (self.method is None):
            raise ValueError("give either model (a name of ours) or method (what the paper calls it)")
        return self

    @model_validator(mode="after")
    def _says_what_std_is_of(self) -> Self:
        if (self.std is None) != (self.std_of is None):
            raise ValueError("give std and std_of together: population, sample or not stated")
        if self.std_of == "population" and (self.n is None or self.n < 2):
            raise ValueError("a deviation of the population needs n of two runs or more")
        return self

    @property
    def sample_std(self) -> float | None:
        """The sample standard deviation, with n - 1, which comparisons use: sqrt(n / (n - 1)) times a population's."""
        if self.std is None or self.std_of != "population":
            return self.std
        assert self.n is not None
        return self.std * math.sqrt(self.n / (self.n - 1))

    @property
    def name(self) -> str:
        return self.model or self.method or ""

    @property
    def rounding(self) -> float:
        """Half a unit of the last printed digit: what the mean is known to."""
        return 0.5 * 10.0**-self.decimals

    @property
    def reference(self) -> str:
        """Where the number stands, in one line: `Kipf and Welling 2017, Table 2`."""
        first, *others = self.source.surnames.split(", ")
        return f"{first}{' et al.' if others else ''} {self.source.year}, {self.where}"


class _Source(Config):
    title: str
    authors: str
    year: int
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    venue: str = ""
    kind: Kind = "inproceedings"


@cache
def sources(folder: Path = FOLDER) -> dict[str, Citation]:
    """The publications that numbers are taken from, by citation key."""
    path = folder / SOURCES
    entries = {key: _Source.parse(_mapping(value, path, key), where=key) for key, value in read_mapping(path).items()}
    return {key: Citation(key=key, **entry.to_json()) for key, entry in entries.items()}


def published(dataset: str, folder: Path = FOLDER) -> list[PublishedNumber]:
    """The published numbers of a data set by its full name; none for one that nothing is published on.

    A split of its card in the name (`planetoid/cora@full`) is left out: each number says itself which split it belongs
    to; but splits that are for another task have a file of their own. Any other name is another data set, as one that a
    transform has changed.
    Raises ConfigError naming the file, the number and the key if one is malformed.
    """
    name, at, split = dataset.partition("@")
    if at and dataset not in published_datasets(folder):
        if name not in published_datasets(folder):
            return []
        card = find_card(DATASETS.resolve(name))
        if split not in card.splits or card.task_of(split) != card.task:
            return []
        dataset = name
    if dataset not in published_datasets(folder):
        return []
    return read_numbers(folder / f"{dataset}.yaml", sources(folder))


def published_datasets(folder: Path = FOLDER) -> list[str]:
    """Names of the data sets that have published numbers."""
    paths = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.yaml") if path.name != SOURCES)
    return sorted(path.as_posix() for path in paths)


def read_numbers(path: Path, known: Mapping[str, Citation]) -> list[PublishedNumber]:
    """The numbers of one file, their sources looked up in `known`."""
    content = read_mapping(path)
    entries = content.get("numbers")
    if set(content) != {"numbers"} or not isinstance(entries, list):
        raise ConfigError(f"{path} must hold one key, numbers, with a list", hint="see a file beside it")
    return [_number(entry, known, path, index) for index, entry in enumerate(entries, start=1)]


def _number(entry: Any, known: Mapping[str, Citation], path: Path, index: int) -> PublishedNumber:
    where = f"{path.name}: number {index}"
    values = _mapping(entry, path, f"number {index}")
    key = values.get("source")
    if isinstance(key, str):
        if key not in known:
            near = closest(key, known)
            hint = f"did you mean {near[0]!r}?" if near else f"add it to {SOURCES}"
            raise ConfigError(f"{where} cites {key!r}, which {SOURCES} does not have", hint=hint)
        values["source"] = known[key]
    return PublishedNumber.parse(values, where=where)


def _mapping(value: Any, path: Path, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{path.name}: {what} is not a mapping", hint="write it as {key: value, ...}")
    return dict(value)
