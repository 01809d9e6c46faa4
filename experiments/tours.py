"""Tours by diffusion: FloydNet's denoiser, trained on optimal tours, beside heuristics that learn nothing.

    python experiments/tours.py --store runs/tours
    python experiments/tours.py --instances points --out points.json
    python experiments/tours.py --hidden-dim 384 --heads 6 --num-layers 96 --sizes 20 100 --test-nodes 200 \\
        --steps 200000 --device cuda

Training draws new instances, whose tours are those of LKH. Time and noise are drawn as published (Yu et al., 2026): a
sigmoid schedule, the density 1 + 8 t^8, the squared error of the predicted adjacency, 50 evaluations a sample. Nothing
is selected: the weights that are tested are the moving average at the last step. Test instances are solved to a proof,
and every method's tours are scored on them; a sample's adjacency is repaired by `greedy_decode`. A store makes a run
resumable, to the same weights. Seconds are those of one core; labels' are included in training.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from graphlab.core.errors import DivergenceError, InputError, require_count
from graphlab.core.files import write_atomic, write_json
from graphlab.core.seeds import SeedStream
from graphlab.model.floyd_denoiser import DenoiserConfig, FloydDenoiser
from graphlab.tours.baselines import greedy_edge, nearest_neighbour, two_opt
from graphlab.tours.decoding import best_of, greedy_decode
from graphlab.tours.diffusion import add_noise, adjacency, draw_times, sample
from graphlab.tours.exact import Solution, optimum
from graphlab.tours.instances import TourInstance, draw_points, draw_weights
from graphlab.tours.lkh import lkh
from graphlab.tours.metrics import score_tours
from graphlab.tours.tour import tour_adjacency
from graphlab.tours.tree_search import tree_search

DRAW: dict[str, Callable[[int, np.random.Generator], TourInstance]] = {"weights": draw_weights, "points": draw_points}

DEFAULTS: dict[str, Any] = {
    "instances": "weights",
    "sizes": [10, 20],
    "batch": 32,
    "steps": 12_000,
    "warmup": 500,
    "lr": 1e-3,
    "betas": [0.9, 0.98],
    "clip": 1.0,
    "average": 0.999,
    "every": 1000,
    "validation": 64,
    "test": 256,
    "test_nodes": 20,
    "samples": 10,
    "seed": 1,
    "device": "cpu",
    "hidden_dim": 64,
    "heads": 4,
    "num_layers": 6,
}
"""Settings of a run. `average` is the share that the moving average of weights keeps at a step; a validation, every so
many steps, is of one sample of each of `validation` instances with `test_nodes` nodes."""

TOGETHER = 32
"""Graphs that are denoised at once in tests."""


class Run:
    """A training that can be saved and gone on with."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings, self.stream = settings, SeedStream(settings["seed"]).child("tours", settings["instances"])
        self.stream.child("weights").seed_torch()
        config = DenoiserConfig.parse(
            {key: settings[key] for key in ("hidden_dim", "heads", "num_layers")}, where="tours"
        )
        self.network = FloydDenoiser(config).to(settings["device"])
        self.average = FloydDenoiser(config).to(settings["device"])
        self.average.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=settings["lr"], betas=tuple(settings["betas"]))
        self.step, self.seconds, self.seconds_of_labels = 0, 0.0, 0.0
        self.curve: list[dict[str, float]] = []

    def save(self, path: Path) -> None:
        state = {
            "settings": self.settings,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": (self.step, self.seconds, self.seconds_of_labels),
            "curve": self.curve,
        }
        write_atomic(path, lambda file: torch.save(state, file))

    def load(self, path: Path) -> None:
        """Raises InputError if the file is of another training."""
        state = torch.load(path, map_location=self.settings["device"], weights_only=True)
        only_tested = ("test", "samples", "device")
        different = [
            key
            for key, value in self.settings.items()
            if key not in only_tested and state["settings"].get(key) != value
        ]
        if different:
            raise InputError(f"{path} has other settings: {', '.join(different)}", hint="name another --store")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds, self.seconds_of_labels = state["progress"]
        self.curve = state["curve"]


def training_batch(run: Run) -> tuple[Tensor, Tensor]:
    """Costs and optimal adjacency `[B, n, n]`, float32; sizes go round."""
    settings, rng = run.settings, run.stream.child("instances", run.step).numpy()
    smallest, largest = settings["sizes"]
    nodes = smallest + run.step % (largest - smallest + 1)
    instances = [DRAW[settings["instances"]](nodes, rng) for _ in range(settings["batch"])]
    started = clock(settings["device"])
    tours = [lkh(instance, runs=1).tour for instance in instances]
    run.seconds_of_labels += clock(settings["device"]) - started
    costs = np.stack([instance.costs for instance in instances])
    return torch.from_numpy(costs).float(), torch.from_numpy(np.stack([tour_adjacency(tour) for tour in tours])).float()


def loss_of(run: Run, costs: Tensor, truth: Tensor) -> Tensor:
    """The mean squared error of x_0 over pairs of different nodes."""
    generator = run.stream.child("noise", run.step).torch()
    t, noise = draw_times(len(costs), generator), torch.randn(truth.shape, generator=generator)
    device = run.settings["device"]
    costs, truth, t, noise = (each.to(device) for each in (costs, truth, t, noise))
    predicted = run.network(costs, add_noise(truth, t, noise), t)
    pairs = ~torch.eye(costs.size(1), dtype=torch.bool, device=device).expand_as(predicted)
    return (predicted - truth)[pairs].square().mean()


def rate(step: int, settings: dict[str, Any]) -> float:
    """Learning rate: linear to its largest value, then half a cosine to zero."""
    warmup, steps = settings["warmup"], settings["steps"]
    if step < warmup:
        return settings["lr"] * (step + 1) / warmup
    return settings["lr"] * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))) / 2


def training(run: Run) -> Iterator[float]:
    """Trains to the last step; gives the mean loss whenever a validation is due, and at the end."""
    settings, losses = run.settings, []
    while run.step < settings["steps"]:
        started = clock(settings["device"])
        for group in run.optimizer.param_groups:
            group["lr"] = rate(run.step, settings)
        run.optimizer.zero_grad()
        loss = loss_of(run, *training_batch(run))
        loss.backward()
        nn.utils.clip_grad_norm_(run.network.parameters(), settings["clip"])
        run.optimizer.step()
        with torch.no_grad():
            # A young average keeps less, so that it forgets the first weights.
            kept = min(settings["average"], (1 + run.step) / (10 + run.step))
            for slow, weight in zip(run.average.parameters(), run.network.parameters(), strict=True):
                slow.lerp_(weight, 1 - kept)
        losses.append(loss.item())
        run.step += 1
        run.seconds += clock(settings["device"]) - started
        if not math.isfinite(losses[-1]):
            raise DivergenceError(f"the loss of step {run.step} is {losses[-1]}", hint="lower --lr")
        if run.step % settings["every"] == 0 or run.step == settings["steps"]:
            yield float(np.mean(losses))
            losses.clear()


def clock(device: str) -> float:
    return time.process_time() if device == "cpu" else time.perf_counter()


def draw_solved(part: str, settings: dict[str, Any]) -> tuple[list[TourInstance], list[Solution]]:
    """The instances of a part, the same for all seeds, and their optimal tours."""
    rng = SeedStream(0).child("tours", settings["instances"], part, settings["test_nodes"]).numpy()
    instances = [DRAW[settings["instances"]](settings["test_nodes"], rng) for _ in range(settings[part])]
    return instances, [optimum(instance) for instance in instances]


@torch.no_grad()
def denoise(network: FloydDenoiser, instances: list[TourInstance], samples: int, seed: int, device: str) -> Tensor:
    """Scores of edges, `[instances, samples, n, n]`."""
    costs = torch.from_numpy(np.stack([instance.costs for instance in instances])).float().to(device)
    costs = costs.repeat_interleave(samples, 0)
    generator = torch.Generator(device).manual_seed(seed)
    parts = [
        sample(lambda x, t, part=part: network(part, x, t), tuple(part.shape), generator)
        for part in costs.split(TOGETHER)
    ]
    return torch.cat(parts).unflatten(0, (len(instances), samples)).cpu()


def compare(run: Run) -> list[dict[str, Any]]:
    """What each method scores on the test instances, with its seconds of one core an instance."""
    settings = run.settings
    instances, labels = draw_solved("test", settings)
    rng = np.random.default_rng(0)

    def heat(instance: TourInstance) -> np.ndarray:
        return np.exp(-instance.costs / np.sort(instance.costs, axis=1)[:, 3:4])

    methods: dict[str, Callable[[TourInstance], np.ndarray]] = {
        "nearest neighbour": nearest_neighbour,
        "greedy": greedy_edge,
        "2-opt of greedy": lambda instance: two_opt(greedy_edge(instance), instance),
        "tree search on costs": lambda instance: tree_search(heat(instance), instance, rng),
    }
    rows = []
    for name, method in methods.items():
        method(instances[0])
        started = clock(settings["device"])
        tours = [method(instance) for instance in instances]
        rows.append(scored(name, tours, instances, labels, clock(settings["device"]) - started))
    started = clock(settings["device"])
    scores = denoise(run.average, instances, settings["samples"], 0, settings["device"])
    spent = (clock(settings["device"]) - started) / settings["samples"]
    for count in sorted({1, settings["samples"]}):
        started = clock(settings["device"])
        tours = [best_of(scores[k, :count].numpy(), instance) for k, instance in enumerate(instances)]
        seconds = clock(settings["device"]) - started + count * spent
        rows.append(scored(f"floydnet, {count} sample{'s' if count > 1 else ''}", tours, instances, labels, seconds))
    unrepaired = list(adjacency(scores[:, 0]).numpy())
    rows.append(scored("floydnet, 1 sample, no repair", unrepaired, instances, labels, spent))
    started = clock(settings["device"])
    mean = scores.mean(1).clamp(0, 1).numpy()
    tours = [tree_search(mean[k], instance, rng) for k, instance in enumerate(instances)]
    seconds = clock(settings["device"]) - started + settings["samples"] * spent
    rows.append(scored(f"tree search on the mean of {settings['samples']} samples", tours, instances, labels, seconds))
    return rows


def scored(
    method: str, tours: list[np.ndarray], instances: list[TourInstance], labels: list[Solution], seconds: float
) -> dict[str, Any]:
    scores = asdict(score_tours(tours, instances, labels, seconds=seconds))
    return {"method": method} | {key: None if value is None else round(value, 5) for key, value in scores.items()}


def learn(settings: dict[str, Any], store: Path | None = None) -> dict[str, Any]:
    """Trains a denoiser and compares it with heuristics.

    Args:
        settings: As DEFAULTS has them.
        store: A folder for checkpoints.

    Returns:
        What was run and measured, as the file of results has it.

    Raises:
        DivergenceError: The loss is no longer finite.
        InputError: The store has a checkpoint of another training, a count is below 1, or elkai is not installed.
    """
    for key in ("steps", "batch", "every", "validation", "test", "samples"):
        require_count(f"the setting {key}", settings[key], "a whole number from 1")
    smallest, largest = settings["sizes"]
    if not 3 <= smallest <= largest:
        raise InputError(
            f"no instances have {smallest} to {largest} nodes", hint="--sizes takes the least and the most"
        )
    run, path = Run(settings), None
    if store is not None:
        path = store / f"tours-{settings['instances']}-{settings['seed']}.pt"
        if path.exists():
            run.load(path)
    instances, labels = draw_solved("validation", settings)
    for loss in training(run):
        scores = denoise(run.average, instances, 1, 0, settings["device"])
        tours = [greedy_decode(scores[k, 0].numpy(), instance) for k, instance in enumerate(instances)]
        row = scored("validation", tours, instances, labels, 0.0)
        point = {"step": run.step, "seconds": round(run.seconds, 1), "loss": round(loss, 6)}
        run.curve.append(point | {"optimal": row["optimal"], "gap": row["gap"], "edge_f1": row["edge_f1"]})
        print_progress(run)
        if path is not None:
            run.save(path)
    rows = compare(run)
    result = {
        "parameters": sum(weight.numel() for weight in run.network.parameters()),
        "seconds": round(run.seconds, 1),
        "seconds_of_labels": round(run.seconds_of_labels, 1),
        "test": rows,
        "curve": run.curve,
        "settings": settings,
    }
    print_rows(result)
    return result


def print_progress(run: Run) -> None:
    last = run.curve[-1]
    print(
        f"\rstep {last['step']}, {last['seconds']:.0f} s, loss {last['loss']:.4f}, of validation optimal "
        f"{last['optimal']:.1f} %, gap {last['gap']:.2f} %    ",
        end="",
        file=sys.stderr,
        flush=True,
    )


def print_rows(result: dict[str, Any]) -> None:
    settings = result["settings"]
    print(
        f"\r{settings['test']} instances of {settings['test_nodes']} nodes; {result['parameters']:,} parameters, "
        f"{settings['steps']} steps, {result['seconds']:.0f} s"
    )
    print(f"{'':40}{'valid %':>9}{'optimal %':>11}{'gap %':>8}{'edge F1':>9}{'ms':>9}")
    for row in result["test"]:
        gap = "" if row["gap"] is None else f"{row['gap']:.2f}"
        print(
            f"{row['method']:40}{row['valid']:9.1f}{row['optimal']:11.1f}{gap:>8}{row['edge_f1']:9.3f}"
            f"{1000 * row['seconds']:9.1f}"
        )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", choices=DRAW)
    parser.add_argument("--sizes", type=int, nargs=2, metavar=("LEAST", "MOST"), help="nodes of training instances")
    parser.add_argument("--hidden-dim", type=int)
    parser.add_argument("--heads", type=int)
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--every", type=int, help="steps from one validation to the next")
    parser.add_argument("--validation", type=int, help="instances of a validation")
    parser.add_argument("--test", type=int, help="instances of the test")
    parser.add_argument("--test-nodes", type=int)
    parser.add_argument("--samples", type=int, help="of an instance in the test")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--device")
    parser.add_argument("--store", type=Path, help="a folder for checkpoints")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "tours.json")
    return parser.parse_args()


def main() -> None:
    options = parse()
    settings = DEFAULTS | {key: value for key, value in vars(options).items() if key in DEFAULTS and value is not None}
    result = learn(settings, options.store)
    others = json.loads(options.out.read_text()) if options.out.exists() else []
    others = [other for other in others if other["settings"] != settings]
    write_json(options.out, [*others, result])


if __name__ == "__main__":
    main()
