"""All that is known of one name, from the registries alone: nothing is downloaded, built or trained."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphlab.analysis.registry import PROBES
from graphlab.catalogue.tables import options
from graphlab.core import index
from graphlab.core.citation import Citation
from graphlab.core.errors import ConfigError, InputError, UnknownNameError, require_name
from graphlab.core.registry import Registered
from graphlab.core.settings import settings_table
from graphlab.data import own
from graphlab.data.card import HOMOPHILY_MEASURES
from graphlab.data.identity import OWN
from graphlab.data.load import find_dataset, full_name
from graphlab.data.own import find_entry
from graphlab.data.paths import store_root
from graphlab.data.registry import DATASETS, PRE_TRANSFORMS, find_card
from graphlab.model.registry import MODELS, TRANSFORMS, WEIGHT_FORMATS, ModelEntry, find_model
from graphlab.nas.registry import PROXIES, SPACES, STRATEGIES, find_proxy, find_space, find_strategy
from graphlab.task.registry import TASKS, find_task

if TYPE_CHECKING:
    import pandas as pd

    from graphlab.data.pre_transform import PreTransform
    from graphlab.model.base import Preset
    from graphlab.model.transform import LearnerTransform
    from graphlab.model.weight_format import WeightFormat


@dataclass(frozen=True)
class Description:
    """What is registered under a name.

    kind      dataset, model, task, pre-transform, transform, strategy, space, proxy or probe
    about     what its file says of it
    facts     by heading
    settings  a row a setting, as text: setting, default, allowed, searched, meaning; of a space its decisions
    also      other kinds of thing that have the same name
    """

    kind: str
    name: str
    about: str
    facts: Mapping[str, str]
    settings: tuple[Mapping[str, str], ...] = ()
    also: tuple[str, ...] = ()

    @property
    def df(self) -> pd.DataFrame:
        """The settings, without columns that say nothing."""
        import pandas as pd

        return pd.DataFrame(self._lines())

    @property
    def text(self) -> str:
        """All but the settings."""
        facts = self.known
        width = max(map(len, facts), default=0)
        indented = (said.replace("\n", "\n" + " " * (width + 2)) for said in facts.values())
        lines = [f"{heading:<{width}}  {said}" for heading, said in zip(facts, indented, strict=True)]
        return "\n".join([f"{self.kind} {self.name}", "", *([self.about, ""] if self.about else []), *lines])

    @property
    def known(self) -> dict[str, str]:
        """The facts that there are, and which other kinds have the name."""
        also = {"also": f"{' and '.join(self.also)} of this name, by kind" if self.also else ""}
        return {heading: said for heading, said in {**self.facts, **also}.items() if said}

    def to_json(self) -> dict[str, Any]:
        rows = [dict(row) for row in self.settings]
        return {"kind": self.kind, "name": self.name, "about": self.about, "facts": self.known, "settings": rows}

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.df.to_string(index=False)}" if self.settings else self.text

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import table_html

        lines = self._lines()
        facts = [[escape(heading), escape(said).replace("\n", "<br>")] for heading, said in self.known.items()]
        rows = [[escape(cell) for cell in line.values()] for line in lines]
        settings = table_html("settings", list(lines[0]), rows) if lines else ""
        return f"<pre>{escape(self.about)}</pre>{table_html(f'{self.kind} {self.name}', [], facts)}{settings}"

    def _lines(self) -> list[dict[str, str]]:
        said = [key for key in (self.settings[0] if self.settings else ()) if any(row[key] for row in self.settings)]
        return [{key: row[key] for key in said} for row in self.settings]


def describe(name: str, kind: str | None = None, store: str | os.PathLike[str] | None = None) -> Description:
    """What is registered under a name, of the `kind` if several are: settings and what they mean, recipes, counts,
    licence, citation. Of a name that begins with `own/`, what the store of runs keeps under it.

    Raises UnknownNameError with the nearest names, ConfigError for an unknown kind.
    """
    require_name("data set, model or other thing", name)
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"there is no kind {kind!r}", hint=f"known: {', '.join(KINDS)}")
    if name.startswith(OWN):
        return _describe_own(name, kind, store_root(store))
    fitting: dict[str, Registered] = {}
    families: dict[str, InputError] = {}
    for one, (registry, _) in KINDS.items():
        try:
            fitting[one] = registry.resolve(name.partition("@")[0] if one == "dataset" else name)
        except UnknownNameError:
            continue
        except InputError as error:
            families[one] = error
    chosen = kind or next(iter([*fitting, *families]), None)
    if chosen in families:
        raise families[chosen]
    if chosen not in fitting:
        raise _unknown(name, kind)
    found = KINDS[chosen][1](name, fitting[chosen])
    return Description(chosen, *found, also=tuple(one for one in (*fitting, *families) if one != chosen))


def _unknown(name: str, kind: str | None) -> UnknownNameError:
    names = [full for one in ([kind] if kind else KINDS) for full in KINDS[one][0].names()]
    near = [*names, *(full.partition("/")[2] for full in names if "/" in full)]
    what = kind or "data set, model or other thing"
    return UnknownNameError(what, name, near, listed={full.partition("/")[0] for full in names})


def _describe_own(name: str, kind: str | None, store: Path) -> Description:
    """Data and models of one's own, which their users have named."""
    from graphlab.model.own import find_own, kept_models

    readers: dict[str, Callable[[], Parts]] = {
        "dataset": lambda: _own_dataset(find_entry(name, store)),
        "model": lambda: _own_model(find_own(name, store)),
    }
    for candidate in readers.keys() & {kind} if kind else readers:
        try:
            return Description(candidate, *readers[candidate]())
        except UnknownNameError:
            continue
    kept = [*own.names(store), *kept_models(store)]
    raise UnknownNameError(f"{kind or 'data set or model'} of your own", name, kept)


def _own_dataset(entry: own.Entry) -> Parts:
    card = entry.card
    facts = {
        "task": card.task,
        "counts": _counts(card.statistics[""]),
        "split": entry.name.partition("@")[2],
        "notices": "\n".join(entry.notices),
        "licence": card.licence,
        "citation": _cited(card.citation),
    }
    return entry.name, f"{card.title}. {card.notes}".strip(), facts, ()


def _own_model(entry: ModelEntry) -> Parts:
    facts = {"tasks": ", ".join(sorted(entry.cls.tasks))}
    return entry.name, _doc(entry.cls), facts, tuple(settings_table(entry.config))


Parts = tuple[str, str, Mapping[str, str], tuple[Mapping[str, str], ...]]
"""Name, what it is about, facts, settings."""


def _dataset(name: str, registered: Registered) -> Parts:
    from graphlab.comparison.numbers import published

    registered, split = find_dataset(name)
    card = find_card(registered)
    facts = {
        "task": card.task_of(split),
        "counts": _counts(
            card.statistics.get(f"{registered.variant}@{split}") or card.statistics.get(registered.variant, {})
        ),
        "split": split + "".join(f", or @{other}" for other in card.splits_of(registered.variant) if other != split),
        "other tasks": ", ".join(task for task in card.all_tasks if task != card.task_of(split)),
        "published": _count(len(published(full_name(registered, split))), "number"),
        "metric": card.metrics.get(registered.variant, ""),
        "homophily": _homophily(card.homophily.get(registered.variant, ())),
        "notices": "\n".join(card.notices.get(registered.variant, ())),
        "licence": card.licence,
        "citation": _cited(card.citation),
    }
    return registered.name, f"{card.title}. {card.notes}".strip(), facts, ()


def _model(registered: Registered) -> Parts:
    entry = find_model(registered.name)
    facts = {
        "tasks": ", ".join(sorted(entry.cls.tasks)),
        "recipes": "\n".join(f"{where}: {_recipe(preset)}" for where, preset in entry.presets.items()),
        "citation": _cited(entry.cls.citation),
    }
    return entry.name, f"{_doc(registered.module)}\n\n{_doc(entry.cls)}", facts, tuple(settings_table(entry.config))


def _task(registered: Registered) -> Parts:
    task = find_task(registered.name)
    models = [model for model in MODELS.names() if task.abilities() & find_model(model).cls.tasks]
    return (
        registered.name,
        _doc(task),
        {"outputs": task.outputs(), "models": ", ".join(models)},
        tuple(settings_table(task.Config)),
    )


def _pre_transform(registered: Registered) -> Parts:
    return _named_part(PRE_TRANSFORMS.find(registered.name), registered)


def _transform(registered: Registered) -> Parts:
    return _named_part(TRANSFORMS.find(registered.name), registered)


def _weight_format(registered: Registered) -> Parts:
    return _named_part(WEIGHT_FORMATS.find(registered.name), registered)


def _named_part(
    part: type[PreTransform] | type[LearnerTransform] | type[WeightFormat], registered: Registered
) -> Parts:
    return registered.name, f"{_doc(registered.module)}\n\n{_doc(part)}", {}, tuple(settings_table(part.Config))


def _strategy(registered: Registered) -> Parts:
    strategy = find_strategy(registered.name)
    return (
        registered.name,
        _doc(strategy),
        {"citation": _cited(strategy.citation)},
        tuple(settings_table(strategy.Config)),
    )


def _space(registered: Registered) -> Parts:
    space = find_space(registered.name)
    rows = [{"decision": one.name, "options": ", ".join(map(str, one.options))} for one in space.decisions]
    return registered.name, f"{_doc(registered.module)}\n\n{_doc(type(space))}", {}, tuple(rows)


def _proxy(registered: Registered) -> Parts:
    proxy = find_proxy(registered.name)
    facts = {"tasks": getattr(proxy.tasks, "name", "all"), "citation": _cited(proxy.citation)}
    return registered.name, _doc(type(proxy)), facts, ()


def _probe(registered: Registered) -> Parts:
    functions = [
        getattr(registered.module, part) for part in ("probe", "probe_model") if hasattr(registered.module, part)
    ]
    told = ["of a data set", "of a model, alone or on a data set"]
    facts = {what: ", ".join(options(one)) or "no options" for what, one in zip(told, functions, strict=False)}
    return registered.name, "\n\n".join(map(_doc, (registered.module, *functions))), facts, ()


def _indexed(describe_one: Callable[[Registered], Parts]) -> Callable[[str, Registered], Parts]:
    """The same, read from the index where it has it."""

    def read(name: str, registered: Registered) -> Parts:
        registry = registered.registry
        full_name, about, facts, settings = index.entry(
            f"described-{registry.section}",
            registered.name,
            lambda each: describe_one(registry.resolve(each)),
            registry.names,
        )
        return full_name, about, facts, tuple(settings)

    return read


KINDS: Mapping[str, tuple[Any, Callable[[str, Registered], Parts]]] = {
    "model": (MODELS, _indexed(_model)),
    "dataset": (DATASETS, _dataset),
    "task": (TASKS, _indexed(_task)),
    "pre-transform": (PRE_TRANSFORMS, _indexed(_pre_transform)),
    "transform": (TRANSFORMS, _indexed(_transform)),
    "weight-format": (WEIGHT_FORMATS, _indexed(_weight_format)),
    "strategy": (STRATEGIES, _indexed(_strategy)),
    "space": (SPACES, _indexed(_space)),
    "proxy": (PROXIES, _indexed(_proxy)),
    "probe": (PROBES, _indexed(_probe)),
}
"""By kind its registry and what describes one of it; the first that has a name is meant unless another is asked for."""


def _doc(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


def _cited(citation: Citation) -> str:
    return ", ".join(filter(None, (str(citation), citation.url)))


def _recipe(preset: Preset) -> str:
    """The settings of a recipe, and which of them its publication does not state."""
    parts = {"model": preset.model, "task": preset.task, "training": preset.training}
    settings = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
    text = ", ".join(f"{name}={value}" for name, value in settings.items())
    if not preset.is_published:
        return f"{text} (all ours)"
    ours = dict.fromkeys([*preset.ours, *(name for name in settings if preset.is_ours(name))])
    return f"{text} (ours: {', '.join(ours)})" if ours else text


def _counts(statistics: Mapping[str, int]) -> str:
    return ", ".join(f"{key.removeprefix('num_').replace('_', ' ')} {n:,}" for key, n in statistics.items())


def _homophily(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{name} {n:.3f}" for name, n in zip(HOMOPHILY_MEASURES, numbers, strict=False))


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}" if n else ""
