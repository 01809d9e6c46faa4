"""The text of a module, as a digest."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from graphlab.core.files import hash_text

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
