"""The programs of `experiments/`, as modules."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from tests.docs.blocks import ROOT


def load_experiment(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "experiments" / f"{name}.py")
    assert spec and spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
