"""Does the topology of a node's test links explain how well they are ranked? Five data sets, two models, five seeds.

    python experiments/topology.py --store runs/topology
    python experiments/topology.py --datasets cora --models lightgcn --seeds 2 --out /tmp/topology.json

After Wang et al. (ICLR 2024): links split 70/10/20, a graph convolutional network and LightGCN, and for each node that
has test links precision, recall, F1, NDCG, hits and reciprocal rank among all nodes but itself and its training and
validation neighbours. A measure's figure is the mean of Pearson's correlations with all metrics, of each seed on its
own split and training. The claim is that the concentration of test links says more than the degree of the node, than
its test degree, and than the density around it: for each, the paired difference over seeds, with Student's interval and
a p-value that is corrected for all comparisons by Holm's method.

The convolutional network is two layers and a dot product (the model gae). Settings are ours and the same for all data
sets; those of the convolutional network are the best of five on the validation part of Cora's first seed, nothing else
was tuned. PubMed's links are predicted without features. A store makes the study resumable.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import graphlab as gl
from graphlab.analysis.topology.correlation import correlation
from graphlab.analysis.topology.study import LinkStudy, SeedStudy
from graphlab.comparison.paired import holm
from graphlab.core.files import write_json

DATASETS = {
    "cora": "cora@links-70/10/20",
    "citeseer": "citeseer@links-70/10/20",
    "pubmed": "pubmed@links-70/10/20-without-features",
    "tortoise": "reptilia-tortoise-fi",
    "vole": "mammalia-plj",
}
TRAINING = {"task.batch_size": None, "task.remove_one_hop": False, "task.evaluation_batch_size": 1_000_000}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "gcn": (
        "gae",
        {"hidden_dim": 128, "embedding_dim": 64, "dropout": 0.5, "training.lr": 0.01, "training.epochs": 200},
    ),
    "lightgcn": ("lightgcn", {"task.loss": "bpr", "training.lr": 0.01, "training.epochs": 300}),
}
MEASURES = (
    "tc_test",
    "tc_validation",
    "tc_train",
    "degree_train",
    "degree_test",
    "core_number",
    "clustering",
    "ego_density",
)
CLAIMED = "tc_test"
OTHERS = ("degree_train", "degree_test", "ego_density")
SHOWN = ("hits@10", "ndcg@10", "mrr")


def means_over_metrics(study: SeedStudy) -> dict[str, float]:
    """Of each measure, the mean of its correlations with all metrics that vary."""
    assert study.performance is not None
    metrics, nodes = study.performance.metrics(), study.performance.nodes
    means = {}
    for name, values in study.measures().items():
        each = [correlation(values[nodes], results).value for results in metrics.values()]
        means[name] = float(np.mean([value for value in each if value is not None]))
    return means


def interval(values: list[float]) -> list[float] | None:
    """Student's 95 % interval of the mean; None for one value."""
    if len(values) < 2:
        return None
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return [round(float(np.mean(values) - half), 4), round(float(np.mean(values) + half), 4)]


def row_of(dataset: str, model: str, study: LinkStudy) -> dict[str, Any]:
    """The figures of a model on a data set."""
    by_seed = [means_over_metrics(each) for each in study.seeds]
    results: dict[str, list[float]] = {name: [] for name in SHOWN}
    for each in study.seeds:
        assert each.performance is not None
        for name in SHOWN:
            results[name].append(float(each.performance.metrics()[name].mean()))
    return {
        "dataset": dataset,
        "model": model,
        "seeds": [each.seed for each in study.seeds],
        "nodes": [len(each.performance.nodes) for each in study.seeds if each.performance is not None],
        "results": {name: {"mean": round(float(np.mean(v)), 4), "values": v} for name, v in results.items()},
        "shift": round(study.summary.get("shift", 0.0), 4),
        "correlations": {
            name: {
                "mean": round(float(np.mean([seed[name] for seed in by_seed])), 4),
                "interval": interval([seed[name] for seed in by_seed]),
                "values": [round(seed[name], 6) for seed in by_seed],
            }
            for name in MEASURES
        },
    }


def contrasts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The claimed measure against each other one, paired over seeds; p-values by Holm over all rows."""
    tested = []
    for row in rows:
        ours = np.array(row["correlations"][CLAIMED]["values"])
        for other in OTHERS:
            difference = ours - np.array(row["correlations"][other]["values"])
            enough = len(difference) > 1 and np.ptp(difference) > 0
            tested.append(
                {
                    "dataset": row["dataset"],
                    "model": row["model"],
                    "other": other,
                    "difference": round(float(difference.mean()), 4),
                    "interval": interval(difference.tolist()),
                    "p": float(stats.ttest_1samp(difference, 0).pvalue) if enough else None,
                }
            )
    defined = [each for each in tested if each["p"] is not None]
    for each, p_value in zip(defined, holm([each["p"] for each in defined]), strict=True):
        each["p"] = p_value
    return tested


def verdict(tested: list[dict[str, Any]]) -> str:
    """The claim of one model on one data set: the measure is ahead of all others, or behind one, at p < .05."""
    decided = [each for each in tested if each["p"] is not None and each["p"] < 0.05]
    if any(each["difference"] < 0 for each in decided):
        return "does not hold"
    return "holds" if len(decided) == len(OTHERS) else "undecided"


def table(stored: dict[str, Any]) -> list[str]:
    """The stored study as lines of Markdown."""

    def number(value: float) -> str:
        return f"{value:.2f}".replace("0.", ".")

    def cell(each: dict[str, Any]) -> str:
        return f"{number(each['mean'])} [{number(each['interval'][0])}, {number(each['interval'][1])}]"

    lines = [
        "| data set | model | hits@10 | test concentration | training degree | test degree | density | the claim |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in stored["rows"]:
        pair = (row["dataset"], row["model"])
        tested = [each for each in stored["contrasts"] if (each["dataset"], each["model"]) == pair]
        cells = [cell(row["correlations"][name]) for name in (CLAIMED, *OTHERS)]
        shown = [*pair, number(row["results"]["hits@10"]["mean"]), *cells, verdict(tested)]
        lines.append(f"| {' | '.join(shown)} |")
    return lines


def print_rows(rows: list[dict[str, Any]], tested: list[dict[str, Any]]) -> None:
    for row in rows:
        shown = "  ".join(f"{name} {row['results'][name]['mean']:.3f}" for name in SHOWN)
        print(f"{row['dataset']:9} {row['model']:9} {shown}")
        for name in MEASURES:
            each = row["correlations"][name]
            low, high = each["interval"] or (float("nan"), float("nan"))
            print(f"    {name:14} {each['mean']:6.3f}  [{low:6.3f}, {high:6.3f}]")
    for each in tested:
        low, high = each["interval"] or (float("nan"), float("nan"))
        p = "" if each["p"] is None else f"  p {each['p']:.2g}"
        print(
            f"{each['dataset']:9} {each['model']:9} {CLAIMED} less {each['other']:13} {each['difference']:6.3f}  "
            f"[{low:6.3f}, {high:6.3f}]{p}"
        )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--store", type=Path, help="a folder for the runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "topology.json")
    return parser.parse_args()


def main() -> None:
    options = parse()
    rows = []
    for dataset in options.datasets:
        for name in options.models:
            model, settings = MODELS[name]
            runs = gl.run(model, DATASETS[dataset], seeds=options.seeds, store=options.store, **TRAINING, **settings)
            print(f"{runs}", file=sys.stderr, flush=True)
            study = gl.analyze("topology", runs, pagerank=False)
            assert isinstance(study, LinkStudy)
            rows.append(row_of(dataset, name, study))
    tested = contrasts(rows)
    settings = {name: {"model": model, **TRAINING, **more} for name, (model, more) in MODELS.items()}
    write_json(options.out, {"settings": settings, "rows": rows, "contrasts": tested})
    print_rows(rows, tested)


if __name__ == "__main__":
    main()
