"""Which pairs of graphs an untrained network tells apart: random weights, frozen, in float64.

A network that is invariant gives renumbered copies of a graph the same outputs but for rounding, and any draw of its
weights shows what its architecture can see, without a training that may fail. Yu et al., FloydNet, 2026, and Morris et
al., ICML 2019, test so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from graphlab.analysis.expressiveness.classes import class_of_model
from graphlab.analysis.expressiveness.pairs import TOTAL, parse_pairs
from graphlab.analysis.expressiveness.trained import find_pairs, separable_pairs
from graphlab.core.errors import InputError
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.data.dataset import Dataset
from graphlab.experiment.plan import Plan, plan_on
from graphlab.experiment.progress import counted
from graphlab.model.initialisation import draw_zeros
from graphlab.task.base import Learner
from graphlab.task.kinds.pair_discrimination import PairDiscrimination, as_double, outputs_of, renumbered_copies

if TYPE_CHECKING:
    import pandas as pd

MARGIN = 10.0
"""Times that a difference between two graphs must exceed the largest between copies of either."""

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""What copies are taken to differ by at least, as a share of the largest output: equal ones may be so by chance."""


@dataclass(frozen=True)
class UntrainedOutcome:
    """One pair under one draw of weights.

    separated  whether it is told apart: `gap` is above MARGIN times `noise`
    gap        the least difference of an output of a copy of one graph to one of the other, each the largest over
               outputs, as a share of the largest output
    noise      the largest such difference between copies of one graph, at least ROUNDING
    separable  whether the test that bounds the model tells the pair apart; None where no test is known
    """

    pair: int
    category: str
    seed: int
    separated: bool
    gap: float
    noise: float
    separable: bool | None


@dataclass(frozen=True, repr=False)
class UntrainedDiscrimination:
    """What `gl.discriminate_untrained` gives.

    test  the test of the Weisfeiler-Lehman kind that bounds the model, None where none is known
    rows  one a pair and seed
    """

    model: str
    dataset: str
    test: str | None
    rows: tuple[UntrainedOutcome, ...]

    @cached_property
    def df(self) -> pd.DataFrame:
        """One row a pair and seed; see UntrainedOutcome."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.rows])

    def table(self) -> pd.DataFrame:
        """By seed and category, and in total: pairs, how many are told apart, and where a test bounds the model how
        many it tells apart (`ceiling`), and how many are told that it does not (`beyond`)."""
        import pandas as pd

        lines = []
        for seed in dict.fromkeys(row.seed for row in self.rows):
            mine = [row for row in self.rows if row.seed == seed]
            names = list(dict.fromkeys(row.category for row in mine))
            groups = [(name, [row for row in mine if row.category == name]) for name in names]
            if names != [TOTAL]:
                groups.append((TOTAL, mine))
            lines += [{"seed": seed, "category": name, **self._counts(group)} for name, group in groups]
        return pd.DataFrame(lines)

    def _counts(self, rows: Sequence[UntrainedOutcome]) -> dict[str, int]:
        counts = {"pairs": len(rows), "separated": sum(row.separated for row in rows)}
        if self.test is not None:
            counts["ceiling"] = sum(bool(row.separable) for row in rows)
            counts["beyond"] = sum(row.separated and not row.separable for row in rows)
        return counts

    @property
    def text(self) -> str:
        """A sentence a seed."""
        table: Any = self.table()
        return "\n".join(map(self._sentence, table[table["category"] == TOTAL].to_dict(orient="records")))

    def _sentence(self, total: dict[str, Any]) -> str:
        sentence = (
            f"{self.model} on {self.dataset}, weights of seed {total['seed']}, untrained: of {total['pairs']:,} pairs "
        )
        sentence += f"it tells apart {total['separated']:,}"
        if self.test is not None:
            sentence += f"; {self.test}, which bounds it, {total['ceiling']:,}"
            sentence += f" (so that {total['beyond']:,} verdicts are rounding)" if total["beyond"] else ""
        return sentence + "."

    def to_json(self) -> dict[str, Any]:
        table: Any = self.table()
        return {
            "model": self.model,
            "dataset": self.dataset,
            "test": self.test,
            "table": table.astype(object).to_dict(orient="records"),
            "pairs": [dict(vars(row)) for row in self.rows],
        }

    def __repr__(self) -> str:
        return f"{self.text}\n\n{self.table().to_string(index=False)}"

    def _repr_html_(self) -> str:
        from graphlab.experiment.views import table_html

        table: Any = self.table()
        lines = table.astype(object).itertuples(index=False)
        return table_html(self.text, list(table.columns), ([str(cell) for cell in line] for line in lines))


def discriminate_untrained(
    model: str,
    dataset: str | Dataset = "brec",
    *,
    pairs: str | Iterable[int] = "all",
    seeds: int | str | Sequence[int] = 1,
    copies: int = 4,
    progress: bool | None = None,
    **overrides: Any,
) -> UntrainedDiscrimination:
    """Say which pairs of graphs a model tells apart with random weights, which nothing trains, in float64.

    Each graph is given in renumbered copies. A pair is told apart if its graphs differ by more than MARGIN times what
    copies of one graph do: what is left in a difference is then no rounding. Maps that models start at zero, behind
    which nothing is seen, are drawn from Xavier's distribution. Runs on the CPU and stores nothing.

    dataset    one of level "pair": brec, sr25, hard-pairs, graph8c, ...
    pairs      "all"; numbers, ranges and categories by commas, as "0:60,73,CFI"; or a list of numbers
    seeds      of weights; all pairs see the same weights
    copies     of each graph, at least two
    overrides  settings of the model, as `hidden_dim=16`

    Raises InputError for pairs that are not there or fewer than two copies, IncompatibleError for a data set without
    pairs or a model that takes no graphs.
    """
    data, ends, categories = find_pairs(dataset)
    if isinstance(copies, bool) or not isinstance(copies, int) or copies < 2:
        raise InputError(f"{copies!r} copies show no rounding", hint="two copies of a graph or more")
    which, drawn = parse_pairs(pairs, categories), parse_seeds(seeds)
    plan = plan_on(data, model, overrides)
    test = class_of_model(plan.model.cls, plan.model_config)
    separable = separable_pairs(data, ends[list(which)], test) if test else [None] * len(which)
    rows = []
    with counted(f"{model}, untrained", len(drawn) * len(which), progress) as tell:
        for seed in drawn:
            task: Any = plan.make_task(seed)
            learner = _draw(plan, task, seed)
            for pair, can in zip(which, separable, strict=True):
                gap, noise = _differences(task, learner, ends[pair].tolist(), copies)
                separated = gap > MARGIN * noise
                rows.append(UntrainedOutcome(pair, categories[pair], seed, separated, gap, noise, can))
                tell(len(rows), "")
    return UntrainedDiscrimination(plan.model.name, data.name, test, tuple(rows))


def _draw(plan: Plan, task: PairDiscrimination, seed: int) -> Learner:
    """The untrained model with its head, in float64."""
    learner = plan.make_learner(task, seed).double().eval()
    SeedStream(seed).child("maps that start at zero").seed_torch()
    draw_zeros(learner)
    return learner


@torch.inference_mode()
def _differences(task: PairDiscrimination, learner: Learner, ends: Sequence[int], copies: int) -> tuple[float, float]:
    """gap and noise of UntrainedOutcome."""
    streams = [SeedStream(0).child("copies", end).torch() for end in ends]
    graphs = [
        renumbered_copies(task.dataset.graphs[end], copies, random) for end, random in zip(ends, streams, strict=True)
    ]
    ready = [list(task.ready(each)) for each in graphs]
    batches = [task.batch(torch.tensor([k]), *ready).apply(as_double) for k in range(copies)]
    first, second = outputs_of(learner, batches).unflatten(0, (copies, 2)).unbind(1)
    largest = max(float(first.abs().max()), float(second.abs().max()))
    gap = float(torch.cdist(first, second, p=torch.inf).min())
    noise = max(float(torch.cdist(each, each, p=torch.inf).max()) for each in (first, second))
    return (gap / largest, max(noise / largest, ROUNDING)) if largest else (0.0, ROUNDING)
