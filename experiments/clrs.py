"""Networks that learn the algorithms of CLRS-30: processors at one equal budget.

    python experiments/clrs.py --algorithms bfs --small
    python experiments/clrs.py --all --store runs/clrs
    python experiments/clrs.py --algorithms dijkstra --processors floydnet mpnn --steps 2000 --seconds 600 --seeds 3

Training draws new instances of 4 to 16 nodes, with random positions and edge probabilities; the published validation
split of 16 nodes selects the checkpoint, and the published test split of 64 nodes is scored once, by it
(Velickovic et al., ICML 2022). Defaults are those of the benchmark's code, with true hints half of the time; `--small`
has a budget that one CPU core can pay. A budget is a number of steps, of seconds, or both, whichever ends first.
Seconds are those of training, with its sampling and without validation: on a CPU of processor time, which other work on
the machine hardly changes, elsewhere of the clock. A store makes runs resumable, to the same weights where steps are
the budget. A run takes the place of the one with its algorithm, processor and seed in the file of results.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from graphlab.algorithms.metrics import scores
from graphlab.algorithms.registry import CLRS_30, algorithm
from graphlab.algorithms.trajectory import Batch, published_split, sample
from graphlab.core.errors import DivergenceError, InputError, require_count
from graphlab.core.files import write_atomic, write_json
from graphlab.core.seeds import SeedStream, parse_seeds
from graphlab.model.algorithmic.instances import Instances, collate
from graphlab.model.algorithmic.network import Network
from graphlab.model.algorithmic.processors import MODULES, ProcessorConfig

COMPARED = ("floydnet", "triplet-gmpnn", "edge-transformer", "mpnn")

PUBLISHED: dict[str, Any] = {
    "hidden_dim": 128,
    "num_layers": 1,
    "heads": 4,
    "triplet_dim": 8,
    "batch": 32,
    "lengths": [4, 7, 11, 13, 16],
    "lr": 1e-3,
    "clip": 1.0,
    "teacher_forcing": 0.5,
    "hints": True,
    "steps": 10_000,
    "seconds": None,
    "every": 50,
    "instances": None,
    "device": "cpu",
}
"""Settings of a run. There is a validation `every` so many steps; at most `instances` of a split are scored."""

SMALL: dict[str, Any] = {"hidden_dim": 32, "batch": 8, "seconds": 120.0, "every": 25, "instances": 32}

CHUNK = {"validation": 32, "test": 4}
"""Instances that are predicted at once."""


def training_batch(name: str, step: int, settings: dict[str, Any], stream: SeedStream) -> Instances:
    """Instances of one length, which goes round; each has its own edge probability or length of needle."""
    rng = stream.child("instances", step).numpy()
    size = settings["lengths"][step % len(settings["lengths"])]
    takes = inspect.signature(algorithm(name).sample).parameters
    batches = []
    for _ in range(settings["batch"]):
        options: dict[str, Any] = {}
        if "p" in takes:
            sparse = 1.0 if takes["p"].default == 0.5 else 0.5
            options["p"] = float(sparse * rng.integers(1, 10) / 10)
        if "needle" in takes:
            options["needle"] = int(rng.integers(1, max((size - 1) // 2, 1) + 1))
        batches.append(sample(name, 1, size, rng, positions="random", **options))
    return collate(batches)


def published_instances(
    name: str, part: Literal["validation", "test"], most: int | None
) -> list[tuple[Instances, Batch]]:
    """The first instances of a published split, a few at a time, with no hints but the first."""
    split = published_split(name, part)
    rng, left = np.random.RandomState(split.seed), split.count if most is None else min(most, split.count)
    chunks = []
    while left:
        batch = sample(name, min(CHUNK[part], left), split.size, rng)
        batch = replace(batch, hints={key: hint[:1] for key, hint in batch.hints.items()})
        chunks.append((collate([batch]), batch))
        left -= len(batch)
    return chunks


def evaluate(network: Network, chunks: list[tuple[Instances, Batch]], device: str) -> dict[str, float]:
    """The benchmark's score of each output."""
    network.eval()
    predicted = [network.predict(instances.to(device)) for instances, _ in chunks]
    network.train()
    names = predicted[0].keys()
    joined = {key: np.concatenate([part[key] for part in predicted]) for key in names}
    truth = {key: np.concatenate([batch.outputs[key] for _, batch in chunks]) for key in names}
    return scores(network.algorithm, joined, truth)


def mean_of(values: dict[str, float]) -> float:
    return sum(values.values()) / len(values)


class Run:
    """A training that can be saved and gone on with: weights, optimiser, and what was measured so far."""

    def __init__(self, name: str, processor: str, seed: int, settings: dict[str, Any]) -> None:
        self.identity = {"algorithm": name, "processor": processor, "seed": seed, **settings}
        self.stream = SeedStream(seed).child("clrs", name)
        self.stream.child("weights", processor).seed_torch()
        config = ProcessorConfig.parse({key: settings[key] for key in ProcessorConfig.model_fields}, where=processor)
        chosen = algorithm(name)
        self.network = Network(
            chosen, processor, config, hints=settings["hints"], teacher_forcing=settings["teacher_forcing"]
        ).to(settings["device"])
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=settings["lr"])
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {}

    def save(self, path: Path) -> None:
        state = {
            "identity": self.identity,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "curve": self.curve,
            "best": self.best,
        }
        write_atomic(path, lambda file: torch.save(state, file))

    def load(self, path: Path) -> None:
        """Raises InputError if the file is of other settings; a larger budget is none."""
        state = torch.load(path, map_location=self.identity["device"], weights_only=True)
        budget = ("steps", "seconds")
        different = [
            key for key, value in self.identity.items() if key not in budget and state["identity"].get(key) != value
        ]
        if different:
            raise InputError(f"{path} has other settings: {', '.join(different)}", hint="name another --store")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.curve, self.best = state["curve"], state["best"]


def learn(name: str, processor: str, seed: int, settings: dict[str, Any], store: Path | None = None) -> dict[str, Any]:
    """Trains a network on an algorithm, selects by validation, and scores the test split once.

    Args:
        name: Of the algorithm.
        processor: By name.
        seed: Of weights and training instances; all processors see the same instances.
        settings: As `PUBLISHED` has them.
        store: A folder for checkpoints.

    Returns:
        What was run and measured, as the file of results has it.

    Raises:
        DivergenceError: The loss is no longer finite.
        InputError: The store has a checkpoint of other settings, or there is nothing to train or score.
    """
    require_count("the number of steps", settings["steps"], "train for at least one")
    require_count("the number of instances", settings["instances"] or 1, "score at least one")
    run = Run(name, processor, seed, settings)
    path = None if store is None else store / f"{name}-{processor}-{seed}.pt"
    if path is not None and path.exists():
        run.load(path)
    device = settings["device"]
    validation = published_instances(name, "validation", settings["instances"])
    for loss in training(run, settings):
        measured = evaluate(run.network, validation, device)
        point = {"step": run.step, "seconds": round(run.seconds, 2), "loss": round(loss, 5)}
        run.curve.append(point | {"validation": round(mean_of(measured), 5)})
        if not run.best or mean_of(measured) >= run.best["score"]:
            weights = {key: value.clone() for key, value in run.network.state_dict().items()}
            run.best = {"score": mean_of(measured), "step": run.step, "scores": measured, "network": weights}
        print_progress(name, processor, seed, run)
        if path is not None:
            run.save(path)
    run.network.load_state_dict(run.best["network"])
    test = published_instances(name, "test", settings["instances"])
    tested = evaluate(run.network, test, device)
    row = {
        "algorithm": name,
        "processor": processor,
        "seed": seed,
        "parameters": sum(p.numel() for p in run.network.parameters()),
        "steps": run.step,
        "seconds": round(run.seconds, 1),
        "best_step": run.best["step"],
        "validation": round(run.best["score"], 5),
        "test": round(mean_of(tested), 5),
        "test_scores": {key: round(value, 5) for key, value in tested.items()},
        "validation_instances": sum(len(batch) for _, batch in validation),
        "test_instances": sum(len(batch) for _, batch in test),
        "curve": run.curve,
        "settings": settings,
    }
    print_row(row)
    return row


def training(run: Run, settings: dict[str, Any]) -> Iterator[float]:
    """Trains until the budget is spent; gives the mean loss whenever a validation is due, and at the end."""
    name, losses = run.identity["algorithm"], []
    clock = time.process_time if settings["device"] == "cpu" else time.perf_counter
    run.network.train()
    while run.step < settings["steps"] and (settings["seconds"] is None or run.seconds < settings["seconds"]):
        started = clock()
        instances = training_batch(name, run.step, settings, run.stream).to(settings["device"])
        run.stream.child("draws", run.step).seed_torch()
        run.optimizer.zero_grad()
        loss = run.network.loss(instances)
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), settings["clip"])
        run.optimizer.step()
        losses.append(loss.item())
        run.step += 1
        run.seconds += clock() - started
        if not np.isfinite(losses[-1]):
            raise DivergenceError(f"the loss of step {run.step} is {losses[-1]}", hint="lower --lr")
        if run.step % settings["every"] == 0:
            yield float(np.mean(losses))
            losses.clear()
    if losses:
        yield float(np.mean(losses))


def print_progress(name: str, processor: str, seed: int, run: Run) -> None:
    last = run.curve[-1]
    print(
        f"\r{name} {processor} seed {seed}: step {last['step']}, {last['seconds']:.0f} s, loss {last['loss']:.3f}, "
        f"at 16 {100 * last['validation']:.1f}, best {100 * run.best['score']:.1f}    ",
        end="",
        file=sys.stderr,
        flush=True,
    )


def print_row(row: dict[str, Any]) -> None:
    print(
        f"\r{row['algorithm']:29} {row['processor']:22} seed {row['seed']} {row['parameters']:9,} parameters "
        f"{row['steps']:6} steps {row['seconds']:7.1f} s   at 16 {100 * row['validation']:5.1f}   "
        f"at 64 {100 * row['test']:5.1f}",
        flush=True,
    )


def print_means(rows: list[dict[str, Any]]) -> None:
    """The mean over algorithms and seeds of each processor."""
    for processor in dict.fromkeys(row["processor"] for row in rows):
        members = [row for row in rows if row["processor"] == processor]
        count = len({row["algorithm"] for row in members})
        at = {key: 100 * float(np.mean([row[key] for row in members])) for key in ("validation", "test")}
        print(f"{processor:22} {count:2} algorithms   at 16 {at['validation']:5.1f}   at 64 {at['test']:5.1f}")


def keep(out: Path, row: dict[str, Any]) -> None:
    """Adds a row to the file of results, in the place of one with its algorithm, processor and seed."""
    rows = json.loads(out.read_text()) if out.exists() else []
    key = ("algorithm", "processor", "seed")
    rows = [other for other in rows if any(other[part] != row[part] for part in key)]
    write_json(out, sorted([*rows, row], key=lambda each: [each[part] for part in key]))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--algorithms", nargs="+", choices=CLRS_30, metavar="NAME", default=["bfs"])
    chosen.add_argument("--all", action="store_true", help="all thirty algorithms")
    parser.add_argument("--processors", nargs="+", choices=MODULES, default=list(COMPARED))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--small", action="store_true", help="defaults for one CPU core")
    parser.add_argument("--steps", type=int, help="of training, at most")
    parser.add_argument("--seconds", type=float, help="of training, at most")
    parser.add_argument("--hidden-dim", type=int)
    parser.add_argument("--num-layers", type=int, help="blocks within a step, of processors that have blocks")
    parser.add_argument("--heads", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--lengths", type=int, nargs="+", help="sizes of training instances")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--clip", type=float, help="largest norm of a gradient")
    parser.add_argument("--teacher-forcing", type=float, help="probability that a step sees the true hints")
    parser.add_argument("--no-hints", dest="hints", action="store_false", default=None)
    parser.add_argument("--every", type=int, help="steps from one validation to the next")
    parser.add_argument("--instances", type=int, help="the most of a split that are scored")
    parser.add_argument("--device")
    parser.add_argument("--store", type=Path, help="a folder for checkpoints")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "clrs.json")
    return parser.parse_args()


def main() -> None:
    options = parse()
    settings = PUBLISHED | (SMALL if options.small else {})
    settings |= {key: value for key, value in vars(options).items() if key in settings and value is not None}
    rows = []
    for name in CLRS_30 if options.all else options.algorithms:
        for processor in options.processors:
            for seed in parse_seeds(options.seeds):
                rows.append(learn(name, processor, seed, settings, options.store))
                keep(options.out, rows[-1])
    print_means(rows)


if __name__ == "__main__":
    main()
