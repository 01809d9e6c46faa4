"""How well networks do that are cut out of a supernet without a training, beside the same networks trained anew.

    python experiments/cut_out.py --store runs/cut-out
    python experiments/cut_out.py --datasets karate --searches 1 --epochs 10 --training-epochs 10

For each way to train the supernet of an elastic space and each seed, a supernet learns on the official training part.
Networks from the smallest to the largest, and the best within the parameters of a plain network by the supernet's own
validation, are cut out and tested, then trained on for a few epochs from there, and trained anew for as many epochs as
the recipe has. Values are the mean and the sample standard deviation of the test accuracy over seeds. Of a training the
epoch that is best on the official validation part counts, of a supernet the last. No test label has a part in any
choice.

What is done is kept in the store, so that the study goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import graphlab as gl
from graphlab.core.files import write_json
from graphlab.experiment.runs import Runs
from graphlab.nas.core.space import Architecture
from graphlab.nas.elastic.space import DEPTHS, ElasticSpace
from graphlab.nas.plan import SearchPlan, SearchSpec
from graphlab.nas.registry import find_space
from graphlab.nas.results.cut_out import cut_out
from graphlab.nas.strategies.elastic import Elastic, parameters_of

WAYS: dict[str, dict[str, Any]] = {
    "sandwich, taught in place": {},
    "sandwich, labels": {"strategy.teaching": "none"},
    "shrinking, random": {
        "strategy.sampling": "random",
        "strategy.num_random": 4,
        "strategy.teaching": "both",
        "strategy.shrinking": "depth,heads,width",
    },
    "one random network": {"strategy.sampling": "random", "strategy.num_random": 1, "strategy.teaching": "none"},
}
"""By name, how the supernet learns; the first is BigNAS's, the third Once-for-All's, the last SortedNet's."""

BEST = "best within the plain one's size"


def networks_of(space: ElasticSpace) -> dict[str, Architecture]:
    """From the smallest to the largest."""
    middle = (space.head_counts[len(space.head_counts) // 2], space.widths[len(space.widths) // 2])
    depth = sorted(DEPTHS)[len(DEPTHS) // 2]
    return {
        "smallest": space.smallest(),
        **space.hand_set(),
        "middle": space.of_hidden([middle] * (depth - 1)),
        "largest": space.largest(),
    }


class Study:
    """All of one data set."""

    def __init__(self, dataset: str, options: argparse.Namespace) -> None:
        self.dataset, self.options = dataset, options
        space = find_space(options.space)
        assert isinstance(space, ElasticSpace)
        self.space = space
        self.networks = networks_of(space)
        epochs = options.training_epochs
        self.training = {"training.epochs": epochs} if epochs else {}

    def entry(self) -> dict[str, Any]:
        """What the study says of the data set."""
        ways = {name: self.way(name, settings) for name, settings in WAYS.items()}
        return {"dataset": self.dataset, "space": self.space.name, "seeds": self.options.searches, "ways": ways}

    def way(self, name: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One row a network: cut out, trained on and trained anew."""
        by_seed = [self.of_seed(seed, settings) for seed in range(self.options.searches)]
        rows = []
        for network in by_seed[0]:
            columns = {column: [row[network][column] for row in by_seed] for column in by_seed[0][network]}
            rows.append({"network": network, **{column: spread(values) for column, values in columns.items()}})
            print(self.dataset, name, json.dumps(rows[-1]), flush=True)
        return rows

    def of_seed(self, seed: int, settings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
        """By network, its size and its test accuracies with one supernet."""
        plan = self.plan(seed, settings)
        strategy = plan.strategy
        assert isinstance(strategy, Elastic)
        plan.loop(plan.spec.where)
        training = strategy.trained()
        limit = parameters_of(training, next(iter(self.space.hand_set().values())))
        best = next(each.values for each in strategy.scored(training) if parameters_of(training, each.values) <= limit)
        networks = {**self.networks, BEST: best}
        return {
            name: {"parameters": parameters_of(training, values), **self.tested(plan, values, seed)}
            for name, values in networks.items()
        }

    def plan(self, seed: int, settings: Mapping[str, Any]) -> SearchPlan:
        """A search of which only the supernet is wanted."""
        store = self.options.store
        own = {"strategy.epochs": self.options.epochs, **self.training, **settings}
        spec = SearchSpec(
            "elastic", self.dataset, self.space.name, 1, seed, on="validation", start=False, settings=own,
            where=str(Path(store) / "searches"), store=store,
        )  # fmt: skip
        return SearchPlan(spec)

    def tested(self, plan: SearchPlan, values: Architecture, seed: int) -> dict[str, float]:
        """Test accuracies of a network as it is cut out, after a few epochs from there, and trained anew."""
        cut = cut_out(plan, values)
        few = {"training.start": cut[0].id, "training.epochs": self.options.tuning_epochs}
        return {
            "cut out": accuracy(cut),
            "trained on": accuracy(self.run(values, 0, few)),
            "trained anew": accuracy(self.run(values, seed, self.training)),
        }

    def run(self, values: Architecture, seed: int, settings: Mapping[str, Any]) -> Runs:
        model, own = self.space.settings(values)
        store = self.options.store
        return gl.run(model, self.dataset, seeds=[seed], store=store, device="cpu", progress=False, **own, **settings)


def accuracy(runs: Runs) -> float:
    value = runs[0].test_value
    assert value is not None
    return value


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean, sample standard deviation and the values themselves."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.fmean(values), "std": deviation, "values": list(values)}


def table(entry: Mapping[str, Any]) -> str:
    """The study of a data set as text, accuracies in percent."""
    columns = ("cut out", "trained on", "trained anew")
    lines = ["| supernet | network | parameters | " + " | ".join(columns) + " |", "| --- " * (3 + len(columns)) + "|"]
    for way, rows in entry["ways"].items():
        for row in rows:
            cells = (f"{100 * row[name]['mean']:.1f} ± {100 * row[name]['std']:.1f}" for name in columns)
            lines.append(f"| {way} | {row['network']} | {row['parameters']['mean']:,.0f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=["planetoid/cora"])
    parser.add_argument("--space", default="elastic-gcn", choices=["elastic-gcn", "elastic-gat", "elastic-sage"])
    parser.add_argument("--searches", type=int, default=3, help="supernets of each way, by seed")
    parser.add_argument("--epochs", type=int, default=300, help="of a supernet")
    parser.add_argument("--training-epochs", type=int, help="of what is trained anew; the recipe's by default")
    parser.add_argument("--tuning-epochs", type=int, default=20, help="from a network that is cut out")
    parser.add_argument("--store", default="runs")
    results = Path(__file__).parent / "results" / "studies"
    parser.add_argument("--out", type=Path, default=results / "cut_out.json")
    options = parser.parse_args()
    entries = [Study(dataset, options).entry() for dataset in options.datasets]
    write_json(options.out, entries)
    for entry in entries:
        print(table(entry))


if __name__ == "__main__":
    main()
