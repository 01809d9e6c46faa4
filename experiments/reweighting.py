"""Do edges that are weighed by learned concentration help? Each seed with and without, on five data sets.

    python experiments/reweighting.py --store runs/reweighting
    python experiments/reweighting.py --datasets tortoise --seeds 2 --out /tmp/reweighting.json

After Wang et al. (ICLR 2024), section 5: a graph convolutional encoder, links split 70/10/20, and alpha, the epochs
before the first update and between updates as the released code has them for each data set. The rest is ours: two
layers of 64, dropout of one half and a dot product, selected by AUROC. The test metrics are means over nodes with test
links, of the ranking among all nodes but the node itself and its other neighbours. Seeds are paired: split, weights at
the start and negatives are the same in both arms. p-values are corrected for all comparisons by Holm's method.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import graphlab as gl
from graphlab.analysis.topology.study import LinkStudy
from graphlab.comparison.paired import holm
from graphlab.core.files import write_json

DATASETS = {
    "cora": ("cora@links-70/10/20", {"reweight": 2.0, "reweight_interval": 1, "reweight_warm_up": 1}),
    "citeseer": ("citeseer@links-70/10/20", {"reweight": 2.0, "reweight_interval": 1, "reweight_warm_up": 5}),
    "pubmed": (
        "pubmed@links-70/10/20-without-features",
        {"reweight": 0.2, "reweight_interval": 2, "reweight_warm_up": 5},
    ),
    "tortoise": ("reptilia-tortoise-fi", {"reweight": 3.0, "reweight_interval": 20, "reweight_warm_up": 50}),
    "vole": ("mammalia-plj", {"reweight": 1.0, "reweight_interval": 30, "reweight_warm_up": 40}),
}
SETTINGS: dict[str, Any] = {
    "encoder": "gcn",
    "decoder": "dot",
    "hidden_dim": 64,
    "dropout": 0.5,
    "training.lr": 0.01,
    "training.epochs": 200,
    "task.batch_size": None,
    "task.remove_one_hop": False,
    "task.evaluation_batch_size": 1_000_000,
}
METRICS = ("hits@10", "ndcg@10", "mrr")


def values(dataset: str, seeds: int, store: Path | None, **settings: Any) -> dict[str, list[float]]:
    """The test metrics of each seed."""
    runs = gl.run("link-encoder", dataset, seeds=seeds, store=store, **SETTINGS, **settings)
    print(f"{runs}", file=sys.stderr, flush=True)
    study = gl.analyze("topology", runs)
    assert isinstance(study, LinkStudy)
    by_seed = [each.performance.metrics() for each in study.seeds if each.performance is not None]
    return {name: [float(metrics[name].mean()) for metrics in by_seed] for name in METRICS}


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Reweighted less plain, paired over seeds; p-values by Holm over all rows and metrics that differ at all."""
    tested = []
    for row in rows:
        for name in METRICS:
            difference = np.subtract(row["reweighted"][name], row["plain"][name])
            test = stats.ttest_1samp(difference, 0)
            interval = test.confidence_interval(0.95)
            tested.append(
                {
                    "dataset": row["dataset"],
                    "metric": name,
                    "plain": round(float(np.mean(row["plain"][name])), 4),
                    "reweighted": round(float(np.mean(row["reweighted"][name])), 4),
                    "difference": round(float(difference.mean()), 4),
                    "interval": [round(float(interval.low), 4), round(float(interval.high), 4)],
                    "p": float(test.pvalue) if np.ptp(difference) > 0 else None,
                }
            )
    defined = [each for each in tested if each["p"] is not None]
    for each, p_value in zip(defined, holm([each["p"] for each in defined]), strict=True):
        each["p"] = round(p_value, 6)
    return tested


def verdict(each: dict[str, Any]) -> str:
    if each["p"] is None:
        return "no difference"
    if each["p"] >= 0.05:
        return "undecided"
    return "better" if each["difference"] > 0 else "worse"


def table(stored: dict[str, Any]) -> list[str]:
    """The stored study as lines of Markdown."""

    def number(value: float) -> str:
        return f"{value:.3f}".replace("0.", ".", 1)

    lines = [
        "| data set | metric | plain | reweighted | difference | p | reweighted is |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in stored["compared"]:
        low, high = each["interval"]
        difference = f"{number(each['difference'])} [{number(low)}, {number(high)}]"
        p_value = "" if each["p"] is None else number(each["p"])
        means = (number(each["plain"]), number(each["reweighted"]))
        cells = (each["dataset"], each["metric"], *means, difference, p_value, verdict(each))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--store", type=Path, help="a folder for the runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "reweighting.json")
    return parser.parse_args()


def main() -> None:
    options = parse()
    rows = []
    for name in options.datasets:
        dataset, reweight = DATASETS[name]
        plain = values(dataset, options.seeds, options.store)
        rows.append(
            {"dataset": name, "plain": plain, "reweighted": values(dataset, options.seeds, options.store, **reweight)}
        )
    tested = compared(rows)
    write_json(options.out, {"settings": SETTINGS, "reweight": dict(DATASETS), "rows": rows, "compared": tested})
    for each in tested:
        low, high = each["interval"]
        print(
            f"{each['dataset']:9} {each['metric']:8} {each['plain']:.4f} -> {each['reweighted']:.4f}  "
            f"{each['difference']:7.4f} [{low:7.4f}, {high:7.4f}]  {verdict(each)}"
        )


if __name__ == "__main__":
    main()
