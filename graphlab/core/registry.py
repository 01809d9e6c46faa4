"""Names to modules. A family is a module's file stem; other packages add theirs through entry points, and loose files
through the environment, so that the processes of a run have them too.

A name is `family` or `family/variant`. A bare variant resolves when only one family has it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from inspect import isabstract
from types import ModuleType
from typing import Generic, TypeVar

from graphlab.core import index
from graphlab.core.errors import GraphLabError, InputError, UnknownNameError, require_name
from graphlab.core.index import PLUGINS


class PluginError(GraphLabError):
    """A package that offers a model or a data set which cannot be imported or clashes with another."""


@dataclass(frozen=True)
class Registered:
    """What a name stands for: a family, and which of its variants ("" if it has none)."""

    family: str
    variant: str
    registry: Registry

    @property
    def name(self) -> str:
        return f"{self.family}/{self.variant}" if self.variant else self.family

    @property
    def path(self) -> str:
        """The full name of the module that defines it."""
        return self.registry.families[self.family]

    @property
    def module(self) -> ModuleType:
        """The module that defines it, imported when it is first asked for."""
        return self.registry.module(self.family)


class Registry:
    """Everything of one kind: the modules of `package`, and those that entry points of `group` name.

    `variants` reads a family's variants off its module; a family without variants gives an empty tuple. Those of
    GraphLab's own modules are read from the index where it has them, without importing any.
    """

    def __init__(self, what: str, package: str, group: str, variants: Callable[[ModuleType], tuple[str, ...]]) -> None:
        self.what = what
        self.package = package
        self.group = group
        self._variants = variants

    @cached_property
    def families(self) -> dict[str, str]:
        """Family name to module path. Imports what the package lies in and nothing else."""
        package = find_spec(self.package)
        assert package is not None
        found = {
            folded(module.name): f"{self.package}.{module.name}"
            for module in pkgutil.iter_modules(package.submodule_search_locations)
            if not module.name.startswith("_")
        }
        for entry in importlib.metadata.entry_points(group=self.group):
            way_out = f"rename one of them, or uninstall {entry.dist.name if entry.dist else entry.value}"
            self._claim(found, folded(entry.name), entry.value, way_out)
        for name, module in self._added():
            self._claim(found, folded(name), module, f"give another name, or take it out of ${PLUGINS}")
        return dict(sorted(found.items()))

    def add(self, name: str, module: str) -> str:
        """Have a family stand for an importable module, in this process and in those that it starts. Gives its name.

        Raises PluginError if another module has the name.
        """
        family = folded(name)
        self._claim(dict(self.families), family, module, "give another name")
        if (family, module) not in self._added():
            before = os.environ.get(PLUGINS)
            os.environ[PLUGINS] = f"{before + ',' if before else ''}{self.group}:{family}={module}"
            del self.families
        return family

    def _added(self) -> list[tuple[str, str]]:
        """Families and modules of this kind that the environment names."""
        added = (word.strip().partition(":") for word in os.environ.get(PLUGINS, "").split(",") if word.strip())
        named = [said.partition("=")[::2] for group, _, said in added if group == self.group]
        return [(name.strip(), module.strip()) for name, module in named]

    def _claim(self, found: dict[str, str], name: str, module: str, way_out: str) -> None:
        if found.setdefault(name, module) != module:
            raise PluginError(f"{self.what} {name!r} is defined twice: {found[name]} and {module}", hint=way_out)

    def module(self, family: str) -> ModuleType:
        path = self.families[family]
        try:
            return importlib.import_module(path)
        except Exception as error:
            if path.startswith(self.package + "."):
                raise
            raise PluginError(
                f"{self.what} {family!r} cannot be loaded from {path}: {error}",
                hint="mend or uninstall the package that offers it",
            ) from error

    def variants(self, family: str) -> tuple[str, ...]:
        known = index.read(f"variants-{self.section}") if self._is_indexed else None
        return self._variants(self.module(family)) if known is None else tuple(known[family])

    def _all_variants(self) -> Mapping[str, Sequence[str]]:
        """By family. What is imported for it goes into the index."""
        known = index.read(f"variants-{self.section}") if self._is_indexed else None
        if known is not None:
            return known
        variants = {family: self._variants(self.module(family)) for family in self.families}
        return index.keep(f"variants-{self.section}", variants) if self._is_indexed else variants

    @property
    def _is_indexed(self) -> bool:
        return self.package.startswith("graphlab.") and index.is_available()

    @property
    def section(self) -> str:
        """What sections of the index are called after: the group of its entry points, which no other registry has."""
        return self.group.rpartition(".")[2]

    def names(self) -> list[str]:
        """Every full name, sorted by family and in each family's own order."""
        return [
            f"{family}/{variant}" if variant else family
            for family, variants in self._all_variants().items()
            for variant in variants or ("",)
        ]

    def resolve(self, name: str) -> Registered:
        """Find a full name, a family without variants, or a variant that only one family has; case does not matter,
        nor whether words are joined by - or _.

        Raises UnknownNameError with the nearest names, or InputError if several fit or `name` is no text.
        """
        require_name(self.what, name)
        family, _, variant = folded(name).partition("/")
        if family in self.families:
            return self._in_family(family, variant)
        if not variant:
            owners = [(f, v) for f, variants in self._all_variants().items() for v in variants if folded(v) == family]
            if len(owners) == 1:
                return Registered(*owners[0], self)
            if owners:
                full = ", ".join("/".join(owner) for owner in owners)
                raise InputError(f"{self.what} {name!r} could be any of {full}", hint="give the full name")
        known = self.names()
        near = [*known, *(n.partition("/")[2] for n in known if "/" in n)]
        raise UnknownNameError(self.what, name, near, listed=self.families)

    def _in_family(self, family: str, variant: str) -> Registered:
        variants = self.variants(family)
        meant = [v for v in variants or ("",) if folded(v) == variant]
        if meant:
            return Registered(family, meant[0], self)
        full = [f"{family}/{v}" for v in variants]
        if not variant:
            raise InputError(f"{self.what} {family!r} has several variants", hint=f"choose one of {', '.join(full)}")
        raise UnknownNameError(self.what, f"{family}/{variant}", full or [family])


T = TypeVar("T")


class ClassRegistry(Registry, Generic[T]):
    """A registry of modules that each define one class of a kind: `find` gives it.

    Args:
        base: The base of these classes, or where it lies, as "graphlab.task.base:Task": it is imported when a class is
            first asked for.
    """

    def __init__(self, what: str, package: str, group: str, base: type[T] | str) -> None:
        super().__init__(what, package, group, lambda module: ())
        self._base = base

    @cached_property
    def base(self) -> type[T]:
        if not isinstance(self._base, str):
            return self._base
        module, _, name = self._base.partition(":")
        return getattr(importlib.import_module(module), name)

    def find(self, name: str) -> type[T]:
        """Raises UnknownNameError with the nearest names, PluginError for a module that defines none or several."""
        entry = self.resolve(name)
        defined = defined_classes(entry.module, self.base)
        if len(defined) != 1:
            found = ", ".join(cls.__name__ for cls in defined) or "none"
            raise PluginError(
                f"the module {entry.module.__name__} of the {self.what} {entry.name} defines {found}",
                hint=f"a module defines one public class of a {self.what}",
            )
        return defined[0]


def defined_classes(module: ModuleType, base: type[T]) -> list[type[T]]:
    """The public concrete classes of a kind that a module defines itself, in order."""
    return [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and not isabstract(value)
    ]


def folded(name: str) -> str:
    """One spelling for all of a name."""
    return name.lower().replace("_", "-")
