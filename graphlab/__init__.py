"""GraphLab: graph neural networks from a data set's name to a table beside the published numbers.

    import graphlab as gl
    runs = gl.run("gcn", "planetoid/cora", seeds=10)

Everything public loads on first use (PEP 562), so that `import graphlab` costs nothing.
"""

from __future__ import annotations

import os
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphlab import analysis, ops
    from graphlab.api import (
        Answers,
        Comparison,
        Dataset,
        Description,
        Discrimination,
        Finding,
        GraphLabError,
        Migration,
        Pairwise,
        ResultTable,
        Runs,
        Search,
        UntrainedDiscrimination,
        analyze,
        answers,
        build,
        chosen_scheme,
        compare,
        dataset,
        datasets,
        describe,
        discriminate,
        discriminate_untrained,
        evaluate,
        export,
        frozen,
        import_weights,
        leaderboard,
        load,
        load_frozen,
        migrate,
        models,
        pre_transforms,
        predictions,
        probes,
        proxies,
        quantized_bits,
        register,
        report,
        reproduce,
        restore,
        run,
        runs,
        search,
        spaces,
        strategies,
        submission,
        table,
        tasks,
        transforms,
        weight_formats,
    )

__version__ = "0.1.0"

# By default OpenMP's threads spin for milliseconds after each operation of torch, on the cores that the threads of
# our own kernels then need: a third of a training step of NBFNet on two cores. Read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")

# tqdm, which others bring along, misses widgets in notebooks; nothing of ours uses it.
warnings.filterwarnings("ignore", message="IProgress not found")

__all__ = [
    "Answers",
    "Comparison",
    "Dataset",
    "Description",
    "Discrimination",
    "Finding",
    "GraphLabError",
    "Migration",
    "Pairwise",
    "ResultTable",
    "Runs",
    "Search",
    "UntrainedDiscrimination",
    "analysis",
    "analyze",
    "answers",
    "build",
    "chosen_scheme",
    "compare",
    "dataset",
    "datasets",
    "describe",
    "discriminate",
    "discriminate_untrained",
    "evaluate",
    "export",
    "frozen",
    "import_weights",
    "leaderboard",
    "load",
    "load_frozen",
    "migrate",
    "models",
    "ops",
    "pre_transforms",
    "predictions",
    "probes",
    "proxies",
    "quantized_bits",
    "register",
    "report",
    "reproduce",
    "restore",
    "run",
    "runs",
    "search",
    "spaces",
    "strategies",
    "submission",
    "table",
    "tasks",
    "transforms",
    "weight_formats",
]


def __getattr__(name: str) -> Any:
    if name in ("analysis", "ops"):
        return import_module(f"graphlab.{name}")
    if name in __all__:
        return getattr(import_module("graphlab.api"), name)
    raise AttributeError(f"module 'graphlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is public: completion lists no module that happens to be imported here."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
