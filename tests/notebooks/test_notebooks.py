"""Every notebook runs from top to bottom, offline, and shows what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
import torch

from tests.model.test_weight_formats import tensors

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))

SHOWN = {
    "01_quickstart.ipynb": [
        "Zachary&#x27;s karate club",
        "did you mean 'hidden_dim'?",
        "gcn on karate: test accuracy",
        "TransE learns one vector an entity",
        "Kipf and Welling 2017, Table 2",
        "6 runs, 1 combination refused before anything ran, 2 of 2 claims held.",
    ],
    "02_nbfnet_paths.ipynb": [
        "nbfnet on kinship-rules/inductive: test mrr",
        "did you mean 'granddaughter'",
        "Paths behind (p1000, granddaughter, p1024)",
        "DistMult does not score by paths",
        "0 of 330 test triples are given away",
        "inverse-rule on kinship-rules/transductive: test mrr",
    ],
    "03_expressiveness.ipynb": [
        "PSWL(VS)       True      2       3",
        "('FWL(3)',)",
        "(True, 15)",
        "it finds node 6 of graph 754 (0) and node 4 of graph 755 (1) alike",
        "On hard-pairs the ceiling is 62 of 78 pairs.",
        "did you mean 'sswl-plus'",
        "gin on hard-pairs, seed 0: of 5 pairs it tells apart 0 by the official rule and 0 by the calibrated one; 1-WL",
        "5 by the official rule and 5 by the calibrated one; SSWL, which bounds it, 5.",
    ],
    "04_algorithmic_reasoning.ipynb": [
        "30 algorithms",
        "4                0  0  1  2  3",
        "% of all distances are right",
        "block 4   1.0  1.0  1.0  1.0  1.0  1.0",
        "of 17 pairs it tells apart 16; FWL(2), which bounds it, 16.",
    ],
    "05_zero_shot.ipynb": [
        "ultra_3g.pth is not here: github.com/DeepGraphLearning/ULTRA has it under ckpts.",
        "ultra (weights of others) on own/europe",
        "Paths behind (netherlands, region, west)",
        "mean something else with edges=",
    ],
    "06_directed_graphs.ipynb": [
        "model it without direction, which explains no more of the classes than chance does",
        "A share of 1.00 of what two edges say of classes takes their direction",
        "names the other class on 9",
        "Hermitian: True",
        "csl has no classes of the nodes of one graph",
    ],
    "07_architecture_search.ipynb": [
        "of 12 architectures the best has validation",
        "(True, 16)",
        "of 12 architectures the best has validation 1.0000; 3 broke parameters &lt;= 2,000",
        "gcn on sbm/undirected-h0.9: test accuracy",
        "inherited  epochs",
        "expect between",
        "did you mean 'gcn'",
        "'test' is no objective of this search",
    ],
    "08_topological_concentration.ipynb": [
        "friends: 360 nodes, 1 split. Topological concentration, K = 1",
        "equal to networkx: True",
        "What goes most with the ranking of a node's test links is the concentration of test links",
        "karate has no links to predict",
    ],
    "10_quantization.ipynb": [
        "float32",
        "the same from the file: True",
        "labels that differ:",
        "has no integers of 8 bits or fewer",
        "input of Linear: rows of format int16 do not run on integers",
    ],
    "11_small_networks.ipynb": [
        "share of the largest class: 0.19",
        "precision w8a8",
        "sparsity  50% pruned",
        "both      w4a8, 50% pruned",
        "attention_1  hidden_dims_1  heads_1 attention_2",
        "LPGNAS beta 0.003, number 1",
        "<Figure size 800x800 with 2 Axes>",
        "<Figure size 800x500 with 4 Axes>",
    ],
}
"""What must be among the outputs of each."""

PICTURES = {
    "01_quickstart.ipynb": 3,
    "02_nbfnet_paths.ipynb": 1,
    "03_expressiveness.ipynb": 5,
    "04_algorithmic_reasoning.ipynb": 3,
    "05_zero_shot.ipynb": 3,
    "06_directed_graphs.ipynb": 1,
    "07_architecture_search.ipynb": 5,
    "08_topological_concentration.ipynb": 3,
    "10_quantization.ipynb": 2,
    "11_small_networks.ipynb": 2,
}

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=1200, startup_timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.fixture(scope="module")
def executed(made_once):
    """`executed(name)` gives the notebook after its run in an empty folder, without raw data sets; with weights, beside
    a file of them under their published name."""

    def run(name: str, weights: Mapping[str, torch.Tensor] | None = None) -> nbformat.NotebookNode:
        def make(folder: Path) -> None:
            if weights is not None:
                torch.save({"model": weights}, folder / "ultra_3g.pth")
            environment = {key: value for key, value in os.environ.items() if key != "GRAPHLAB_MIRROR"}
            environment |= {
                "GRAPHLAB_DATA": str(folder / "data"),
                "GRAPHLAB_STORE": str(folder / "runs"),
                "IPYTHONDIR": str(folder / "ipython"),
                "PYTHONPATH": os.pathsep.join(filter(None, [str(FOLDER.parent), os.environ.get("PYTHONPATH", "")])),
            }
            words = [sys.executable, "-c", EXECUTE, str(FOLDER / name), str(folder / name)]
            done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800)
            assert done.returncode == 0, done.stderr

        return nbformat.read(made_once(name if weights is None else f"with-weights-{name}", make) / name, as_version=4)

    return run


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_every_notebook_is_told_about_here():
    assert set(NOTEBOOKS) == set(SHOWN) == set(PICTURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_shows_what_it_says(executed, name):
    found = outputs(executed(name))
    text = "\n".join(
        str(part) for output in found for part in (output.get("text", ""), *output.get("data", {}).values())
    )
    for expected in SHOWN[name]:
        assert expected in text, expected
    assert sum("image/png" in output.get("data", {}) for output in found) == PICTURES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_leaves_nothing_behind_in_its_outputs(executed, name):
    """No warnings, no progress, no representation too long to read where a table is meant."""
    for output in outputs(executed(name)):
        assert output.get("name") != "stderr", output.text
        if output.output_type == "display_data":
            assert output.data == {"text/plain": ""}
        if output.output_type == "execute_result":
            assert len(output.data["text/plain"]) < 2000


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_committed_clean(name):
    notebook = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


@pytest.mark.slow
@pytest.mark.real_data
def test_the_published_weights_answer_without_training(executed, truth):
    """Right regions of countries that no training saw, in nine queries of ten, and in time."""
    texts = outputs(executed("05_zero_shot.ipynb", tensors(truth("../truth_zoo/ultra_3g"))))
    text = "\n".join(str(output.get("data", {}).get("text/plain", output.get("text", ""))) for output in texts)
    assert "is not here" not in text
    scores = re.search(r"\{'mrr': ([\d.]+), 'hits@1': ([\d.]+)", text)
    assert scores and float(scores[1]) > 0.9 and float(scores[2]) > 0.85
    assert "mean something else with edges=along" in text
