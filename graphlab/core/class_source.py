"""The text of a class, from a file, a script or a notebook, as a module of its own that other processes can load."""

from __future__ import annotations

import ast
import builtins
import importlib.metadata
import inspect
import linecache
import sys
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from graphlab.core.errors import InputError
from graphlab.core.files import hash_text

IN_A_FILE = "put the class into a file of its own with all that it needs, and import it from there"


def class_source(cls: type) -> str:
    """A module that defines the class: the imports that it needs, then its own text.

    Of a class of an installed library it is an import, with the library's version. Of one that was imported from a file
    of the user's it is the text of that file. Of one that was defined in a script or a
    notebook it is the class alone, with an import for each name of a library that it uses.

    Raises:
        InputError: The text cannot be read, or uses names outside itself that no import gives.
    """
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    if cls.__module__ != "__main__" and file and cls.__qualname__ == cls.__name__:
        return _of_library(cls, file) or _of_file(cls, file)
    text = _own_text(cls)
    imports = {_import_of(cls, name) for name in _outside(text, cls)}
    return "\n".join([*sorted(imports, key=lambda line: (line.startswith("from"), line)), "", "", text.rstrip(), ""])


def load_class(source: str, name: str) -> type:
    """The class of a module's text, whose code is executed. Raises InputError where that fails or defines none."""
    module = ModuleType(f"graphlab_own_{name}_{hash_text(source)[:16]}")
    module.__file__ = f"<{module.__name__}>"
    if module.__name__ in sys.modules:
        return getattr(sys.modules[module.__name__], name)
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(keepends=True), module.__file__)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, module.__file__, "exec"), vars(module))
        return getattr(module, name)
    except Exception as error:
        del sys.modules[module.__name__]
        raise InputError(
            f"the text of {name} does not stand alone: {type(error).__name__}: {error}", hint=IN_A_FILE
        ) from error


def _of_library(cls: type, file: str) -> str:
    """Empty for a class that lies elsewhere than where libraries are installed."""
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if not any(Path(file).is_relative_to(place) for place in places):
        return ""
    package = cls.__module__.partition(".")[0]
    versions = [importlib.metadata.version(name) for name in importlib.metadata.packages_distributions()[package]]
    return f"from {cls.__module__} import {cls.__name__}  # {package} {' '.join(versions)}\n"


def _of_file(cls: type, file: str) -> str:
    text = "".join(linecache.getlines(file))
    if not text:
        raise InputError(
            f"the text of {cls.__name__} in {file} cannot be read", hint="mend the permissions of the file"
        )
    if any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(ast.parse(text))):
        raise InputError(
            f"{file} imports its neighbours, so that it is not all of {cls.__name__}",
            hint="import them by their full names, or give the module to gl.register",
        )
    return text


def _own_text(cls: type) -> str:
    """The statement that defines a class, found through the lines of one of its methods: of a class in a notebook
    `inspect.getsource` knows nothing."""
    for method in _methods(cls):
        lines = linecache.getlines(method.__code__.co_filename, method.__globals__)
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:  # a cell with commands of the notebook's own
            continue
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__):
            if node.lineno <= method.__code__.co_firstlineno <= (node.end_lineno or 0):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return inspect.cleandoc("\n" + "".join(lines[first - 1 : node.end_lineno]))
    raise InputError(f"the text of {cls.__name__} cannot be read", hint=IN_A_FILE)


def _methods(cls: type) -> Iterator[FunctionType]:
    for value in vars(cls).values():
        if isinstance(value, FunctionType):
            yield value


def _outside(text: str, cls: type) -> set[str]:
    """The names that the text reads and does not define itself, but for Python's own."""
    read: set[str] = set()
    codes = [compile(text, cls.__name__, "exec")]
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if inspect.iscode(constant)]
        read |= _globals_of(code)
    return {name for name in read if not hasattr(builtins, name)} - {cls.__name__}


def _globals_of(code: Any) -> set[str]:
    import dis

    loads = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF"}
    stored = {each.argval for each in dis.get_instructions(code) if each.opname == "STORE_NAME"}
    stored |= {"__name__", "__module__", "__qualname__", "__annotations__"}
    return {each.argval for each in dis.get_instructions(code) if each.opname in loads} - stored


def _import_of(cls: type, name: str) -> str:
    """The line that gives a name what it stands for where the class was defined."""
    scope = next(_methods(cls)).__globals__
    if name not in scope:
        raise InputError(f"{cls.__name__} uses {name}, which is defined nowhere", hint="import or define it")
    value = scope[name]
    if isinstance(value, ModuleType):
        return f"import {value.__name__} as {name}" if value.__name__ != name else f"import {name}"
    home, label = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if home and label and home != "__main__" and _gives(home, label, value):
        return f"from {home} import {label}" + (f" as {name}" if label != name else "")
    raise InputError(
        f"{cls.__name__} uses {name}, which is defined outside of it and is not imported from a library",
        hint=f"make it a setting with a default, or {IN_A_FILE}",
    )


def _gives(module: str, name: str, value: object) -> bool:
    try:
        return getattr(import_module(module), name, None) is value
    except ImportError:
        return False
