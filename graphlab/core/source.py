"""The text of a module, or of it and all that it imports, as a digest."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType

from graphlab.core.files import canonical_json, hash_text

_TEXTS: dict[str, tuple[object, str]] = {}
_READ: dict[str, tuple[object, str]] = {}


def source_digest(module: ModuleType) -> str:
    """sha256 of the text of the package that a module lies in, or of its own file where it lies in none.

    Read once for each import or reload of the module: what is edited later counts when it is there to be run. Empty for
    a module without a file.
    """
    file, imported = getattr(module, "__file__", None), module.__spec__
    if file is None:
        return ""
    before, digest = _READ.get(module.__name__, (None, ""))
    if before is None or before is not imported:
        files = sorted(Path(file).parent.rglob("*.py")) if module.__package__ else [Path(file)]
        digest = hash_text("\0".join(each.read_text(encoding="utf-8") for each in files))
        _READ[module.__name__] = imported, digest
    return digest


def foreign_digest(classes: Iterable[type]) -> str:
    """Digest of the text of those modules of classes that are not GraphLab's, 16 hexadecimal digits; empty where all
    are."""
    modules = {cls.__module__ for cls in classes}
    others = sorted(module for module in modules if module.partition(".")[0] != __name__.partition(".")[0])
    return hash_text(" ".join(source_digest(sys.modules[module]) for module in others))[:16] if others else ""


def foreign_module_digest(name: str) -> str:
    """As `foreign_digest`, of a module, by its full name."""
    is_own = name.partition(".")[0] == __name__.partition(".")[0]
    return "" if is_own else hash_text(source_digest(import_module(name)))[:16]


def imports_digest(module: ModuleType) -> str:
    """sha256 of the text of a module and of what it imports, at any remove, of its own top-level package or GraphLab.

    Read as `source_digest` reads; what is not imported yet is read each time.
    """
    packages = {module.__name__.partition(".")[0], __name__.partition(".")[0]}
    todo, texts = [module.__name__], dict[str, str]()
    while todo:
        name = todo.pop()
        if name in texts or name.partition(".")[0] not in packages:
            continue
        file = _file_of(name)
        if file is not None:
            texts[name] = _text_of(name, file)
            todo += _imported(texts[name], name if file.stem == "__init__" else name.rpartition(".")[0])
    return hash_text(canonical_json(texts))


IMPORTS = re.compile(r"^from (\S+) import (?:\(([^)]*)\)|([^#\n]*))|^import (\S+)", re.MULTILINE)


def code_digest(modules: Iterable[str]) -> str:
    """Digest of the text of imported modules and of all that they import when they are imported themselves.

    Followed are modules of GraphLab and of the modules' own top-level packages. Imports inside functions are not: which
    of them have happened depends on what else the process did.

    Args:
        modules: Names of modules in `sys.modules`.

    Returns:
        16 hexadecimal digits.
    """
    todo, texts = list(modules), dict[str, str]()
    roots, packages = tuple(todo), {name.partition(".")[0] for name in (*todo, __name__)}
    before, digest = _DIGESTS.get(roots, ({}, ""))
    if before and all(_import_of(name) is imported for name, imported in before.items()):
        return digest
    looked_at = dict[str, object]()
    while todo:
        name = todo.pop()
        if name in looked_at or name.partition(".")[0] not in packages:
            continue
        looked_at[name] = _import_of(name)
        file = _file_of(name) if name in sys.modules else None
        if file is not None:
            texts[name] = _text_of(name, file)
            for source, several, single, plain in IMPORTS.findall(texts[name]):
                todo += [source or plain, *(f"{source}.{part.split()[0]}" for part in _parts(several or single))]
    digest = hash_text(canonical_json(texts))[:16]
    if all(looked_at[name] is not None for name in texts):  # what was never imported, as a script, is read each time
        _DIGESTS[roots] = looked_at, digest
    return digest


_DIGESTS: dict[tuple[str, ...], tuple[Mapping[str, object], str]] = {}
"""Digests of modules, with the imports that all that was looked at came from: a second walk would find the same."""


def _import_of(module: str) -> object:
    """An object that is another after each import or reload; None for what is not imported."""
    return getattr(sys.modules.get(module), "__spec__", None)


def _parts(names: str) -> list[str]:
    return [part for part in names.split(",") if part.strip()]


def _file_of(module: str) -> Path | None:
    """Where a module's Python lies; None if there is no such module, or it has none."""
    if module in sys.modules:
        file = getattr(sys.modules[module], "__file__", None)
    else:
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):
            return None
        file = spec.origin if spec else None
    return Path(file) if file and file.endswith(".py") else None


def _text_of(module: str, file: Path) -> str:
    imported = _import_of(module)
    before, text = _TEXTS.get(module, (None, ""))
    if before is None or before is not imported:
        text = file.read_text(encoding="utf-8")
        _TEXTS[module] = imported, text
    return text


def _imported(code: str, package: str) -> Iterator[str]:
    """The modules that the code of this package imports, and what else may be one by its name."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            module = resolve_name("." * node.level + module, package) if node.level else module
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
