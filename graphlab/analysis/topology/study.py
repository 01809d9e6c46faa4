"""What of a node's surroundings goes with how well its links are ranked: one study a data set, or a trained model.

References:
    Wang et al., A Topological Perspective on Demystifying GNN-Based Link Prediction Performance, ICLR 2024.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from graphlab.analysis.probe import Finding
from graphlab.analysis.topology.concentration import (
    Concentration,
    OnProgress,
    approximate_concentration,
    topological_concentration,
)
from graphlab.analysis.topology.correlation import Correlation, Kind, correlation
from graphlab.analysis.topology.measures import MEASURES, PAGERANK
from graphlab.analysis.topology.pagerank import PagerankShares, is_affordable, pagerank_shares
from graphlab.analysis.topology.parts import LinkParts
from graphlab.analysis.topology.performance import CUTS, NodePerformance, node_performance
from graphlab.analysis.topology.shift import Shift, distribution_shift
from graphlab.analysis.topology.structure import clustering, core_number, ego_density
from graphlab.core.errors import IncompatibleError, InputError, StoreError
from graphlab.data.dataset import Dataset
from graphlab.experiment.progress import counted
from graphlab.experiment.restore import Trained, restore
from graphlab.experiment.runs import Runs
from graphlab.records.record import RunRecord
from graphlab.task.kinds.link_prediction import LinkPrediction

if TYPE_CHECKING:
    import os

    import pandas as pd

    from graphlab.core.plot import Plot

Method = Literal["exact", "projection"]
PARTS = ("train", "validation", "test")

LOWEST = 0.1
"""The share of nodes that are called lowest by a measure."""


@dataclass(frozen=True, eq=False)
class SeedStudy:
    """The values of all nodes on the split of one seed.

    Attributes:
        seed: Of the split and of the training.
        parts: The links.
        concentration: By part.
        density: Of the surroundings of each node.
        performance: Of the test links; None where no model was asked.
        pagerank: None where it was left out.
    """

    seed: int
    parts: LinkParts
    concentration: dict[str, Concentration]
    density: np.ndarray
    performance: NodePerformance | None = None
    pagerank: PagerankShares | None = None

    @property
    def shift(self) -> Shift:
        """From training to test links."""
        return distribution_shift(self.concentration["train"], self.concentration["test"])

    def measures(self) -> dict[str, np.ndarray]:
        """The topological values of all nodes, by the names of `MEASURES` and in their order, float64 `[num_nodes]`."""
        shares = self.pagerank
        return {
            **{f"tc_{part}": self.concentration[part].values for part in ("test", "validation", "train")},
            "degree_train": self.parts.train.degree.astype(float),
            "degree_test": self.parts.test.degree.astype(float),
            "core_number": core_number(self.parts.train).astype(float),
            "clustering": clustering(self.parts.train),
            "ego_density": self.density,
            **({} if shares is None else {"ppr_near": shares.near, "ppr_test": shares.on_links["test"]}),
        }


@dataclass(frozen=True, repr=False, eq=False)
class LinkStudy(Finding):
    """The topology of a data set's links and, of a trained model, how well each node's are ranked.

    Attributes:
        model: What was asked; empty for a data set alone.
        hops: K of the concentration and of the density.
        method: Of the concentration.
        seeds: One study a seed.
    """

    model: str
    hops: int
    method: Method
    seeds: tuple[SeedStudy, ...]

    def nodes(self) -> pd.DataFrame:
        """A row for each seed and node: measures and, where a model was asked and the node has test links, metrics."""
        import pandas as pd

        frames = []
        for study in self.seeds:
            frame = pd.DataFrame({"seed": study.seed, "node": np.arange(study.parts.num_nodes), **study.measures()})
            if study.performance is not None:
                metrics = pd.DataFrame(study.performance.metrics(), index=study.performance.nodes)
                frame = frame.join(metrics, on="node")
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def correlations(self, kind: Kind = "pearson") -> dict[tuple[str, str], Correlation]:
        """Of each measure with each metric, over the nodes with test links.

        Of one seed the interval is Fisher's over nodes; of several the mean over seeds with Student's interval, both of
        the transformed coefficients. A seed in which a side is constant is left out.

        Raises:
            InputError: No model was asked.
        """
        by_seed: dict[tuple[str, str], list[Correlation]] = {}
        for study in self.seeds:
            performance = self._performance(study)
            for name, values in study.measures().items():
                for metric, results in performance.metrics().items():
                    each = correlation(values[performance.nodes], results, kind)
                    by_seed.setdefault((name, metric), []).append(each)
        return {key: _over_seeds(each) for key, each in by_seed.items()}

    def mean_correlations(self, kind: Kind = "pearson") -> dict[str, Correlation]:
        """Of each measure, the mean of its correlations with all metrics, as the paper compares measures by."""
        means: dict[str, list[Correlation]] = {}
        for study in self.seeds:
            performance = self._performance(study)
            for name, values in study.measures().items():
                each = [correlation(values[performance.nodes], row, kind) for row in performance.metrics().values()]
                defined = [coefficient.value for coefficient in each if coefficient.value is not None]
                mean = float(np.mean(defined)) if defined else None
                means.setdefault(name, []).append(Correlation(kind, mean, None, None, len(performance.nodes)))
        return {name: _over_seeds(each) for name, each in means.items()}

    @property
    def cut(self) -> int | None:
        """The K of what is shown of a ranking: 10, or where that was not measured the last; None without a model."""
        performance = self.seeds[0].performance
        if performance is None:
            return None
        return 10 if 10 in performance.cuts else performance.cuts[-1]

    def lowest(self, metric: str | None = None) -> pd.DataFrame:
        """What the nodes that are lowest by a measure come to, beside all nodes.

        Columns: `measure`; `lowest`, the mean of the metric over the tenth of the nodes with the lowest values, those
        of equal values taken whole; `all`, over all nodes; `auroc`, how well a low value tells nodes without a hit
        (.5 is chance). Means over seeds. What is not defined is missing: all, where no node has test links, and the
        AUROC where all nodes have hits or none has.

        Args:
            metric: By default hits at `cut`.

        Raises:
            InputError: No model was asked, or there is no such metric.
        """
        import pandas as pd

        return pd.DataFrame(self._lowest(metric))

    def _lowest(self, metric: str | None = None) -> list[dict[str, Any]]:
        from sklearn.metrics import roc_auc_score

        rows: dict[str, list[tuple[float | None, float | None, float | None]]] = {}
        for study in self.seeds:
            performance = self._performance(study)
            metrics, hits = performance.metrics(), f"hits@{self.cut}"
            if metric not in (None, *metrics):
                raise InputError(f"there is no metric {metric!r:.40}", hint=f"such as {', '.join(list(metrics)[:8])}")
            results, missed = metrics[metric or hits], metrics[hits] == 0
            for name, values in study.measures().items():
                own = values[performance.nodes]
                low = own <= np.quantile(own, LOWEST, method="inverted_cdf") if len(own) else missed
                auroc = float(roc_auc_score(missed, -own)) if 0 < missed.sum() < len(missed) else None
                whole = float(results.mean()) if len(own) else None
                rows.setdefault(name, []).append((float(results[low].mean()) if len(own) else None, whole, auroc))
        return [
            {"measure": name, **dict(zip(("lowest", "all", "auroc"), map(_mean, zip(*each, strict=True)), strict=True))}
            for name, each in rows.items()
        ]

    def _performance(self, study: SeedStudy) -> NodePerformance:
        if study.performance is None:
            raise InputError(f"{self.dataset} was studied without a model", hint="give a run of link prediction")
        return study.performance

    def plot(self) -> Plot:
        """The distributions of the concentration, and of a model its ranking against them."""
        from graphlab.analysis.topology.pictures import plot_distributions, plot_scatter

        return plot_distributions(self) if self.seeds[0].performance is None else plot_scatter(self)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page. Raises InputError if the file cannot be written."""
        from graphlab.analysis.topology.page import write_page

        return write_page(self, Path(path))


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None


def _over_seeds(each: Sequence[Correlation]) -> Correlation:
    from scipy.stats import t

    defined = [coefficient.value for coefficient in each if coefficient.value is not None]
    kind, nodes = each[0].kind, sum(coefficient.num_nodes for coefficient in each)
    if not defined:
        return Correlation(kind, None, None, None, nodes)
    if len(each) == 1:
        return each[0]
    transformed = np.arctanh(np.clip(defined, -1 + 1e-12, 1 - 1e-12))
    centre = float(transformed.mean())
    if len(defined) == 1:
        return Correlation(kind, math.tanh(centre), None, None, nodes)
    half = float(t.ppf(0.975, len(defined) - 1) * transformed.std(ddof=1) / math.sqrt(len(defined)))
    return Correlation(kind, math.tanh(centre), math.tanh(centre - half), math.tanh(centre + half), nodes)


def study_dataset(
    dataset: Dataset,
    *,
    hops: int = 1,
    method: Method = "exact",
    seeds: Sequence[int] = (0,),
    pagerank: bool | None = None,
) -> LinkStudy:
    """The topology of a data set's links, on the splits of some seeds.

    Args:
        dataset: Of links.
        hops: K of the concentration, and how far is near.
        method: Of the concentration: "exact" or "projection".
        seeds: Of the splits.
        pagerank: Whether `pagerank_shares` are measured, whose time grows with nodes times edges: an hour for a million
            edges. None measures them where that takes seconds.

    Raises:
        IncompatibleError: The data set is not about links.
        InputError: A setting is out of its range.
    """
    _require_choice(pagerank)
    studies = tuple(_study(LinkParts.of(dataset, seed), seed, hops, method, pagerank) for seed in _some(seeds))
    return _finding(studies, dataset.name, "", hops, method)


def study_runs(
    run: RunRecord | Runs | str,
    *,
    hops: int = 1,
    method: Method = "exact",
    cuts: Sequence[int] = CUTS,
    pagerank: bool | None = None,
    store: str | os.PathLike[str] | None = None,
) -> LinkStudy:
    """How well trained models rank each node's test links, and what goes with it.

    Args:
        run: A run's id, or `Runs`, whose finished seeds are all studied, each on its own split.
        hops, method, pagerank: As of `study_dataset`.
        cuts: Of the metrics.
        store: Where the runs are.

    Raises:
        UnknownNameError, StoreError: There is no such run, or it has not finished.
        IncompatibleError: It is not of link prediction.
        InputError: A setting is out of its range.
    """
    _require_choice(pagerank)
    if isinstance(run, Runs):
        store = run.store if store is None else store
        finished = [record for record in run.records if record.result.status == "finished"]
        if not finished:
            raise StoreError(f"no run of {run.model} on {run.dataset} has finished", hint="see runs.df for why")
        trained = [restore(record, store) for record in finished]
    else:
        trained = [restore(run, store)]
    studies = tuple(_of_trained(each, hops, method, cuts, pagerank) for each in trained)
    return _finding(studies, trained[0].dataset.name, trained[0].plan.title, hops, method)


def _require_choice(pagerank: object) -> None:
    if pagerank not in (None, True, False):
        raise InputError(f"pagerank cannot be {pagerank!r:.40}", hint="True, False, or None, which decides by the size")


def _of_trained(trained: Trained, hops: int, method: Method, cuts: Sequence[int], pagerank: bool | None) -> SeedStudy:
    if not isinstance(trained.task, LinkPrediction):
        raise IncompatibleError(
            f"{trained.plan.title} does not predict links", hint="ask a run of the link-prediction task"
        )
    seed = trained.record.spec.seed
    parts = LinkParts.of(trained.dataset, seed)
    score = trained.task.node_scores(trained.learner)
    with _bar("ranking of nodes") as on_progress:
        performance = node_performance(parts, score, cuts=cuts, on_progress=on_progress)
    return _study(parts, seed, hops, method, pagerank, performance)


@contextmanager
def _bar(what: str) -> Iterator[OnProgress]:
    """A bar on a terminal, for shares of a work."""
    with counted(what, 100, None) as tell:
        yield lambda share: tell(round(100 * share), "")


def _study(
    parts: LinkParts,
    seed: int,
    hops: int,
    method: Method,
    pagerank: bool | None,
    performance: NodePerformance | None = None,
) -> SeedStudy:
    concentrate: dict[str, Callable[..., Concentration]] = {
        "exact": topological_concentration,
        "projection": approximate_concentration,
    }
    if method not in concentrate:
        raise InputError(f"there is no method {method!r:.40}", hint="exact or projection")
    options = {"seed": seed} if method == "projection" else {}
    concentration = {}
    for part in PARTS:
        with _bar(f"concentration of {part} links") as on_progress:
            concentration[part] = concentrate[method](parts, part, hops, **options, on_progress=on_progress)
    shares = None
    if is_affordable(parts) if pagerank is None else pagerank:
        with _bar("PageRank of nodes") as on_progress:
            shares = pagerank_shares(parts, hops, on_progress=on_progress)
    return SeedStudy(seed, parts, concentration, ego_density(parts.train, hops), performance, shares)


def _some(seeds: Sequence[int]) -> Sequence[int]:
    if not len(seeds):
        raise InputError("there are no seeds to study", hint="give at least one")
    return seeds


def _finding(studies: tuple[SeedStudy, ...], dataset: str, model: str, hops: int, method: Method) -> LinkStudy:
    first = studies[0].parts
    summary: dict[str, float] = {"num_nodes": first.num_nodes, "num_seeds": len(studies)}
    for part in PARTS:
        mean = _mean([study.concentration[part].mean for study in studies])
        if mean is not None:
            summary[f"tc_{part}"] = mean
    distance = _mean([study.shift.distance for study in studies])
    if distance is not None:
        summary["shift"] = distance
    for name in PAGERANK:
        means = [_mean_over(study, name) for study in studies]
        if (mean := _mean(means)) is not None:
            summary[name] = mean
    study = LinkStudy("topology", dataset, "", summary, (), model, hops, method, studies)
    rows = _rows_of_model(study) if model else _rows_of_data(study)
    return LinkStudy("topology", dataset, _text(study), summary, rows, model, hops, method, studies)


def _mean_over(study: SeedStudy, name: str) -> float | None:
    """Of a measure by PageRank: over the nodes with test links where it is about these, else over all."""
    values = study.measures().get(name)
    if values is None:
        return None
    counted_nodes = study.parts.test.degree > 0 if name == "ppr_test" else np.ones(len(values), bool)
    return float(values[counted_nodes].mean()) if counted_nodes.any() else None


def _rows_of_data(study: LinkStudy) -> tuple[dict[str, Any], ...]:
    rows = []
    for part in PARTS:
        each = [of_seed.concentration[part] for of_seed in study.seeds]
        rows.append(
            {
                "links": part,
                "count": round(float(np.mean([of_seed.parts.links(part).num_links for of_seed in study.seeds]))),
                "nodes": round(float(np.mean([part_of.counted.sum() for part_of in each]))),
                "mean": _mean([part_of.mean for part_of in each]),
                "median": _mean([part_of.median for part_of in each]),
            }
        )
    return tuple(rows)


def _rows_of_model(study: LinkStudy) -> tuple[dict[str, Any], ...]:
    lowest = {row["measure"]: row for row in study._lowest()}
    rows = []
    for name, each in study.mean_correlations().items():
        rows.append(
            {
                "measure": name,
                "correlation": each.value,
                "low": each.low,
                "high": each.high,
                f"hits@{study.cut} of the lowest": lowest[name]["lowest"],
                "auroc": lowest[name]["auroc"],
            }
        )
    return tuple(rows)


def _text(study: LinkStudy) -> str:
    """One or two sentences."""
    size = f"{int(study.summary['num_nodes']):,} nodes, {len(study.seeds)} split{'s' * (len(study.seeds) > 1)}"
    means = [f"{study.summary[f'tc_{part}']:.3f} of {part}" for part in PARTS if f"tc_{part}" in study.summary]
    kind = "Topological concentration" if study.method == "exact" else "Its approximation by random projection"
    text = f"{study.dataset}: {size}. {kind}, K = {study.hops}: {', '.join(means) or 'no links'} links on average."
    if any(each.pagerank is None and not is_affordable(each.parts) for each in study.seeds):
        text += " PageRank is left out, which takes long on this graph: pagerank=True measures it."
    if not study.model:
        return text
    ranked = {name: each.value for name, each in study.mean_correlations().items() if each.value is not None}
    if not ranked:
        return f"{study.model} on {text} No measure varies with the ranking."
    best = max(ranked, key=lambda name: ranked[name])
    return (
        f"{study.model} on {text} What goes most with the ranking of a node's test links is the {MEASURES[best]} "
        f"({ranked[best]:.2f}, the mean over metrics)."
    )
