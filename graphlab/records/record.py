"""What identifies a run, and what is known of it afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Literal

from graphlab.core.files import canonical_json, hash_text

FORMAT = 2
"""Of a stored spec. The first, of version 0.1.0, has no number; see `RunSpec.legacy`."""

ELIGIBILITY = "eligibility"
"""In a run's protocol: for which leaderboard the run is not eligible, and why; absent where no rule was broken."""

Status = Literal["finished", "failed", "unfinished"]
Kind = Literal["run", "trial"]

SETTLED = ("divergence",)
"""Kinds of failure that another attempt meets again. Any other, as of memory, may not come back."""

Kinds = Mapping[str, type | tuple[type, ...]]

NUMBER, NOTHING = (int, float), type(None)

COMPONENTS = ("pre_transform", "transform", "weights")
"""Parts of a run that are there by name, with settings of their own, or are not there."""

OF_OTHERS = "weights of others"
"""What a run is called whose weights were not trained here."""

ORIGINS = {"supernet": "cut out of a supernet"}
"""What a run is called instead, by the format of its weights."""

SPEC_KINDS: Kinds = {
    **dict.fromkeys(("model", "dataset", "task", "data", "code", "kind", "eligibility", *COMPONENTS), str),
    "seed": int,
    "versions": dict,
    "settings": dict,
}
LEGACY_KINDS: Kinds = {
    **dict.fromkeys(("model", "dataset", "task", "data"), str),
    **dict.fromkeys(("model_config", "task_config", "training", "protocol"), dict),
    "seed": int,
}
SELDOM = ("code", "kind", "eligibility")
"""Parts of an identity that are absent where they say nothing."""

RESULT_KINDS: Kinds = {
    **dict.fromkeys(("status", "metric", "direction"), str),
    **dict.fromkeys(("num_parameters", "epochs"), int),
    "best_epoch": (int, NOTHING),
    "validation": dict,
    "test": dict,
    "error": (dict, NOTHING),
}
RECORD_KINDS: Kinds = {"seconds": NUMBER, "notices": list, "code": str, "content": str, "files": dict}
"""What JSON has for each part of a stored run."""


def model_title(model: str, *components: str) -> str:
    """A model's name, with those of a pre-transform and a transform where there are any."""
    return f"{model} ({', '.join(components)})" if components else model


def component_titles(components: Mapping[str, str]) -> list[str]:
    """What the components of a run add to the name of its model: the names of the pre-transform and the transform, and
    where weights are from that the run did not train."""
    return [ORIGINS.get(name, OF_OTHERS) if group == "weights" else name for group, name in components.items()]


def require_kinds(values: Mapping[str, Any], kinds: Kinds) -> None:
    """Raises ValueError for the first part that is there and is not of its kind."""
    for name, kind in kinds.items():
        if name in values and (not isinstance(values[name], kind) or isinstance(values[name], bool)):
            raise ValueError(f"its {name} is {values[name]!r:.40}")


@dataclass(frozen=True)
class RunSpec:
    """Everything that decides a run's result, and what describes it. Two specs with one `identity` are one run.

    The identity holds versions in place of code: that of the model, the task, the training loop and, where there are
    any, of the preparation of graphs, the pre-transform and the transform. A version is raised when results change.
    Settings enter it where they depart from the defaults of these versions, so that a new setting with a neutral
    default changes no identity.

    Attributes:
        model, dataset, task: Names as they are recorded. Of a changed or transformed data set, or one of a user's own,
            the name ends in the first digits of its fingerprint.
        data: Which data: a hash of name, raw files and versions, or of data in memory the fingerprint of the content.
        model_config, task_config, training: Complete settings, defaults included.
        protocol: What the task says of itself: split, metric, tie rule. Compared with that of published numbers.
        departures: Settings that are not the default, by dotted name.
        versions: Numbers of what decides results, by "model", "task", "loop", "preparation", "pre_transform" and
            "transform".
        code: Digest of the text of a model or task that is not GraphLab's; empty where both are.
        kind: A run, or a trial of a search, which is no result.
        eligibility: For which leaderboard the run is not eligible, and why; empty where no rule was broken.
        components: Names of the "pre_transform", which makes features of nodes before the model sees them, of the
            "transform", which changes the learner before it is trained, and of the format of "weights" that were not
            trained here, where there are any.
        component_configs: Their complete settings.
        more: Parts of the identity that a later version of GraphLab has written and this one does not know.
        legacy: The spec as version 0.1.0 wrote it, whose hash is the id of such a run until its store is migrated.
    """

    model: str
    dataset: str
    task: str
    seed: int
    data: str
    model_config: Mapping[str, Any]
    task_config: Mapping[str, Any]
    training: Mapping[str, Any]
    protocol: Mapping[str, str | int | float]
    departures: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    kind: Kind = "run"
    eligibility: str = ""
    components: Mapping[str, str] = field(default_factory=dict)
    component_configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    legacy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What the id is a hash of. Parts that are seldom there are absent where they say nothing."""
        if self.legacy:
            return dict(self.legacy)
        always = {
            "model": self.model,
            "dataset": self.dataset,
            "task": self.task,
            "seed": self.seed,
            "data": self.data,
            "versions": dict(self.versions),
            "settings": dict(self.departures),
        }
        seldom = {
            "code": self.code,
            "kind": "" if self.kind == "run" else self.kind,
            "eligibility": self.eligibility,
            **self.components,
        }
        return {**always, **{name: value for name, value in seldom.items() if value}, **self.more}

    @property
    def settings(self) -> dict[str, Mapping[str, Any]]:
        """Complete settings, by group."""
        own = {"model": self.model_config, "task": self.task_config, "training": self.training}
        return {**own, **self.component_configs}

    @property
    def title(self) -> str:
        """The model's name, with those of the pre-transform and the transform where there are any."""
        return model_title(self.model, *component_titles(self.components))

    @property
    def without_seed(self) -> dict[str, Any]:
        """The identity less the seed and less the run that training starts from, which differs with the seed."""
        group, key = ("training", "start") if self.legacy else ("settings", "training.start")
        identity: dict[str, Any] = {**self.identity, "seed": None}
        return {**identity, group: {name: value for name, value in identity[group].items() if name != key}}

    @cached_property
    def id(self) -> str:
        """Name of the run's folder: 16 hexadecimal digits of a hash of the identity."""
        return hash_text(canonical_json(self.identity))[:16]

    def to_json(self) -> dict[str, Any]:
        if self.legacy:
            return dict(self.legacy)
        return {
            "format": FORMAT,
            "identity": self.identity,
            "settings": {group: dict(values) for group, values in self.settings.items()},
            "protocol": dict(self.protocol),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RunSpec:
        """The spec that `to_json` of this or another version gave. Raises ValueError for anything else."""
        if "identity" not in values:
            return _read_legacy(values)
        if not isinstance(values.get("format"), int) or values["format"] > FORMAT:
            raise ValueError(f"its format is {values.get('format')!r}, and this version reads up to {FORMAT}")
        try:
            identity, settings = dict(values["identity"]), values["settings"]
            require_kinds(identity, SPEC_KINDS)
            return cls(
                **{name: identity.pop(name) for name in ("model", "dataset", "task", "seed", "data", "versions")},
                departures=identity.pop("settings"),
                **{name: identity.pop(name) for name in SELDOM if name in identity},
                model_config=dict(settings["model"]),
                task_config=dict(settings["task"]),
                training=dict(settings["training"]),
                components={name: identity.pop(name) for name in COMPONENTS if name in identity},
                component_configs={name: dict(settings[name]) for name in COMPONENTS if name in settings},
                protocol=dict(values["protocol"]),
                more=identity,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"it does not hold what a run writes there: {error}") from error


LEGACY = ("model", "dataset", "task", "seed", "data", "model_config", "task_config", "training", "protocol", "version")
"""What version 0.1.0 wrote of a run; all of it was hashed."""

SEARCHED = ", searched on "
"""In the name of a split of version 0.1.0: the run was a trial of a search."""


def _read_legacy(values: Mapping[str, Any]) -> RunSpec:
    if set(values) != set(LEGACY):
        raise ValueError("it does not hold what a run writes there")
    require_kinds(values, LEGACY_KINDS)
    protocol = dict(values["protocol"])
    described = {name: values[name] for name in LEGACY if name not in ("version", "protocol")}
    return RunSpec(
        **described,
        protocol=protocol,
        code=str(protocol.get("code", "")),
        kind="trial" if SEARCHED in str(protocol.get("split", "")) else "run",
        eligibility=str(protocol.get(ELIGIBILITY, "")),
        legacy=dict(values),
    )


@dataclass(frozen=True)
class Result:
    """How a run ended. Holds nothing that differs between two executions of the same spec on one machine.

    epochs      epochs trained, which early stopping may have cut short
    best_epoch  the epoch selected on validation; 0 is the state before training
    test        scored once, at best_epoch; empty if the run failed
    error       what a failed run failed of: {"kind", "message"}, and "traceback" where nobody foresaw it
    """

    status: Status
    metric: str
    direction: str
    num_parameters: int
    epochs: int = 0
    best_epoch: int | None = None
    validation: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    error: Mapping[str, str] | None = None

    @property
    def is_settled(self) -> bool:
        """Whether another attempt would come to the same."""
        return self.error is None or self.error.get("kind") in SETTLED

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Result:
        """The result that `to_json` of this or another version gave: what is not known is left out, what is missing has
        its default. Raises ValueError for values of another kind, TypeError where what every version writes is
        missing."""
        require_kinds(values, RESULT_KINDS)
        for part in ("validation", "test"):
            require_kinds(values.get(part, {}), dict.fromkeys(values.get(part, {}), NUMBER))
            if not all(map(math.isfinite, values.get(part, {}).values())):
                raise ValueError(f"its {part} has values that are not finite")
        return cls(**{name: values[name] for name in (each.name for each in fields(cls)) if name in values})


@dataclass(frozen=True)
class RunRecord:
    """A run as the store has it: spec, result, learning curve and what it ran on.

    curve  one row an epoch: {"epoch", "loss"} and, where it was evaluated, `validation_<metric>`; what ended a diverged
           run is NaN
    notices  what was legal but suspicious when the run was planned, a sentence each
    code     digest of the code that ran, of GraphLab and of one's own; empty where it is not known
    content  fingerprint of the data that were there, also of those that are identified by name
    files    digest of each file that the run has left beside its record, by name
    """

    spec: RunSpec
    result: Result
    seconds: float
    environment: Mapping[str, Any] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()
    notices: tuple[str, ...] = ()
    code: str = ""
    content: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def seed(self) -> int:
        return self.spec.seed

    @property
    def eligibility(self) -> str:
        """For which leaderboard the run is not eligible, and why; empty where no rule was broken."""
        return self.spec.eligibility

    @property
    def test_value(self) -> float | None:
        """The selecting metric on test; None for a run that did not finish."""
        return self.result.test.get(self.result.metric)

    def __repr__(self) -> str:
        spec, result = self.spec, self.result
        value = "" if self.test_value is None else f", test {result.metric} {self.test_value:.4f}"
        return f"RunRecord({self.id}: {spec.title} on {spec.dataset}, seed {self.seed}, {result.status}{value})"

    def to_json(self) -> dict[str, Any]:
        """The run as `graphlab run --json` prints it."""
        result = self.result
        return {
            "id": self.id,
            "seed": self.seed,
            "status": result.status,
            "best_epoch": result.best_epoch,
            "validation": dict(result.validation),
            "test": dict(result.test),
            "seconds": round(self.seconds, 3),
            "num_parameters": result.num_parameters,
            **({ELIGIBILITY: self.eligibility} if self.eligibility else {}),
            **({"notices": list(self.notices)} if self.notices else {}),
            **({"error": dict(result.error)} if result.error else {}),
        }
