"""Which pairs of BREC FloydNet tells apart with random weights, in float64 (after Yu et al., 2026).

    python experiments/brec_untrained.py
    python experiments/brec_untrained.py --models pairs --pairs CFI --seeds 3

The published test has networks of 256 blocks of width 64, or of 32 over triples, scores multiplied by 50 / sqrt(d), and
a cut of Hotelling's T2; its count of pairs is not in print. Here there are 16 blocks of width 16, scores multiplied by
50 so that differences grow from block to block, and a cut from what renumbered copies of a graph differ by. FWL(2), and
FWL(3) of triples, bound what can be told apart.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import graphlab as gl
from graphlab.core.files import write_json

SHARED: dict[str, Any] = {"hidden_dim": 16, "norm": "layer", "score_scale": 50.0}

NETWORKS: dict[str, tuple[dict[str, Any], str, int]] = {
    "pairs": ({**SHARED, "order": 2, "heads": 2, "num_layers": 16}, "all", 4),
    "triples": (
        {**SHARED, "hidden_dim": 8, "order": 3, "heads": 1, "num_layers": 3, "ffn_ratio": 1, "score_scale": 10.0},
        "StronglyRegular",
        2,
    ),
}
"""Settings, pairs, and copies of each graph."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--pairs", help="by default all, of triples the strongly regular graphs")
    parser.add_argument("--seeds", default="1")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "studies" / "brec_untrained.json"
    )
    options = parser.parse_args()
    study = {entry["network"]: entry for entry in json.loads(options.out.read_text())} if options.out.exists() else {}
    for name in options.models:
        settings, pairs, copies = NETWORKS[name]
        started = time.process_time()
        result = gl.discriminate_untrained(
            "floydnet", "brec", pairs=options.pairs or pairs, seeds=options.seeds, copies=copies, **settings
        )
        seconds = time.process_time() - started
        print(f"{result}\n\n{seconds:.0f} s of processor time")
        entry = {"network": name, "settings": settings, "copies": copies, "seconds": round(seconds), **result.to_json()}
        study[name] = entry
        write_json(options.out, list(study.values()))


if __name__ == "__main__":
    main()
