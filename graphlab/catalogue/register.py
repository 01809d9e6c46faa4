"""Files of one's own under a name, without a package around them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from graphlab.analysis.registry import PROBES
from graphlab.core.errors import InputError
from graphlab.core.registry import Registry
from graphlab.data.registry import DATASETS, PRE_TRANSFORMS
from graphlab.model.base import Model
from graphlab.model.registry import MODELS, TRANSFORMS, WEIGHT_FORMATS
from graphlab.nas.registry import PROXIES, SPACES, STRATEGIES, SUPERNETS, TABLES
from graphlab.task.registry import TASKS

BY_CLASS: tuple[tuple[type, Registry], ...] = (
    (Model, MODELS),
    *(
        (registry.base, registry)
        for registry in (TASKS, PRE_TRANSFORMS, TRANSFORMS, WEIGHT_FORMATS, STRATEGIES, SUPERNETS, SPACES, PROXIES)
    ),
)


def register(module: ModuleType | str, name: str | None = None) -> str:
    """Have a module of your own stand for what it defines: a model, a data set, a task, a pre-transform, a
    transform, a format of weights or a probe; of searches a strategy, a space, a proxy, a supernet or a table.

    module  the imported module or its dotted name; CONTRIBUTING.md shows a model, a data set and a probe
    name    what it is called; by default the module's name, for a data set the family of its card

    Holds for this process and those that it starts, as workers are, which import the module by its name. Gives the
    name. Raises InputError for a module that defines nothing of this kind or cannot be imported, PluginError for a name
    that something else has.
    """
    if isinstance(module, str):
        try:
            module = import_module(module)
        except ImportError as error:
            raise InputError(f"module {module!r} cannot be imported: {error}", hint="see sys.path") from error
    if not isinstance(module, ModuleType) or module.__name__ == "__main__":
        found = "what is defined in a notebook or script" if isinstance(module, ModuleType) else repr(module)
        raise InputError(f"{found} cannot be registered", hint="write it into a file of its own and import that")
    chosen = name or (module.CARD.family if hasattr(module, "CARD") else module.__name__.rpartition(".")[2])
    return _registry(module).add(chosen, module.__name__)


def _registry(module: ModuleType) -> Registry:
    if hasattr(module, "CARD") and hasattr(module, "build"):
        return DATASETS
    if hasattr(module, "CARD") and hasattr(module, "read_table"):
        return TABLES
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    for base, registry in BY_CLASS:
        if any(issubclass(value, base) for value in own):
            return registry
    if hasattr(module, "probe"):
        return PROBES
    raise InputError(
        f"module {module.__name__} defines no model, data set, task, pre-transform, transform or probe, and no "
        "strategy, space, proxy, supernet or table",
        hint="CONTRIBUTING.md has an example of a model, a data set and a probe",
    )
