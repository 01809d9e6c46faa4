"""The table of a paper: numbers, what is bold, and text in every format."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings

import pytest

import graphlab as gl
from graphlab.core.citation import Citation
from graphlab.core.errors import InputError
from graphlab.experiment.table import Column, ResultTable, make_table
from tests.comparison.records_made import records
from tests.core.test_latex import read

CITATION = Citation("k2020", "T", "A, X and B, Y", 2020, "https://example.org", "ICLR")
HOSTILE = "a_b & <i>50 %</i>\n\\input{x} | ~"


def of(columns: dict[str, dict[str, tuple[float | None, ...]]], direction: str = "max", percent: bool = False):
    """A table of made-up values, by data set and model."""
    models = list(next(iter(columns.values())))
    cells = {
        (model, dataset): records(*values, model=model, dataset=dataset)
        for dataset, column in columns.items()
        for model, values in column.items()
    }
    return make_table(models, [Column(d, "accuracy", direction, CITATION) for d in columns], cells, [], percent)


def bold(table: ResultTable) -> list[str]:
    return [model for (model, _), cell in table.cells.items() if cell.is_bold]


CLEAR = {"gcn": (0.81, 0.82, 0.80), "gat": (0.805, 0.825, 0.805), "mlp": (0.55, 0.57, 0.54)}


def test_the_best_is_bold_and_what_is_not_found_worse():
    """gat is .0017 above gcn, of which its seeds say nothing; mlp is .25 below."""
    table = of({"d": CLEAR})
    assert bold(table) == ["gcn", "gat"]
    assert [model for (model, _), cell in table.cells.items() if cell.is_best] == ["gat"]


def test_the_lowest_error_is_the_best():
    assert bold(of({"d": CLEAR}, direction="min")) == ["mlp"]


def test_with_one_seed_the_best_alone_is_bold():
    assert bold(of({"d": {"gcn": (0.81,), "gat": (0.80,)}})) == ["gcn"]
    assert bold(of({"d": {"gcn": (0.81,), "gat": (0.81,)}})) == ["gcn", "gat"]


def test_failed_seeds_are_counted_and_in_no_mean():
    table = of({"d": {"gcn": (0.8, None, 0.9), "mlp": (None, None, None)}})
    assert table.df.loc["gcn", ("d", "n")] == 2 and table.df.loc["gcn", ("d", "failed")] == 1
    assert table.text("gcn", "d") == "0.850 ± 0.071 (2, 1 failed)"
    assert table.text("mlp", "d") == "(0, 3 failed)"
    assert len(table.failed) == 4 and bold(table) == ["gcn"]


def test_numbers_are_fractions_whatever_is_shown():
    table = of({"d": CLEAR}, percent=True)
    assert table.df.loc["gcn", ("d", "mean")] == pytest.approx(0.81)
    assert table.df.loc["gcn", ("d", "std")] == pytest.approx(0.01)
    assert table.text("gcn", "d") == "81.0 ± 1.0"
    assert "accuracy on test in percent: mean ± sample standard deviation over 3 seeds" in table.caption
    assert of({"d": CLEAR}, "min", percent=True).text("gcn", "d") == "0.810 ± 0.010"


def test_json_is_plain():
    shown = of({"d": CLEAR, "e": dict.fromkeys(CLEAR, ())}).to_json()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert shown["cells"][0] | {"ci95": None} == {
        "model": "gcn", "dataset": "d", "bold": True, "n": 3, "failed": 0,
        "mean": pytest.approx(0.81), "std": pytest.approx(0.01), "ci95": None,
    }  # fmt: skip
    assert shown["cells"][-1]["mean"] is None


def test_latex_is_a_table_whose_bold_is_the_tables():
    text = of({"d": CLEAR}).to_latex(label="tab:d")
    lines = text.splitlines()
    assert lines[0] == r"\begin{table}" and r"\begin{tabular}{lc}" in lines
    assert r"\label{tab:d}" in lines and r"\centering" in lines and r"\toprule" in lines and r"\bottomrule" in lines
    assert r"gcn & \textbf{0.810 $\pm$ 0.010} \\" in lines
    assert r"mlp & 0.553 $\pm$ 0.015 \\" in lines


def test_hostile_names_and_captions_are_text_on_one_line():
    table = of({HOSTILE: {HOSTILE: (0.8, 0.9), "mlp": (0.1, 0.2)}})
    text = table.to_latex(caption="line\n\n\\input{y}")
    assert r"\input" not in text and r"\caption{line \textbackslash{}input\{y\}}" in text
    assert r"a\_b \& <i>50 \%</i> \textbackslash{}input\{x\} | \textasciitilde{}" in text
    assert text.count(r"\\") == 3
    assert all(line.count("|") - line.count(r"\|") == 3 for line in table.to_markdown().splitlines()[2:])
    assert "<i>" not in table._repr_html_()


def test_markdown_and_text():
    table = of({"d": CLEAR, "e": CLEAR})
    assert "| gcn | **0.810 ± 0.010** | **0.810 ± 0.010** |" in table.to_markdown()
    assert "| mlp | 0.553 ± 0.015 | 0.553 ± 0.015 |" in table.to_markdown()
    assert re.search(r"gcn +0\.810 ± 0\.010 \* +0\.810 ± 0\.010 \*", repr(table))
    assert "<strong>0.810" in table._repr_html_()


def test_a_grid_is_run_once_and_read_again(tmp_path, monkeypatch):
    options = {"seeds": 2, "store": tmp_path, "device": "cpu", "progress": False, "training.epochs": 5}
    first = gl.table(["gcn", "mlp"], ["karate", "sbm/undirected-h0.9"], **options)
    assert list(first.df.index) == ["gcn", "mlp"]
    assert [column.dataset for column in first.columns] == ["karate", "sbm/undirected-h0.9"]
    runs = gl.run("gcn", "karate", **options)
    assert first.cells["gcn", "karate"].summary == runs.summary()
    monkeypatch.setattr("graphlab.experiment.execute.fit", lambda *_, **__: pytest.fail("trained again"))
    again = gl.table(["gcn", "mlp"], ["karate", "sbm/undirected-h0.9"], train=False, **options)
    assert again.to_json() == first.to_json()
    empty = gl.table("gat", "karate", train=False, **options)
    assert empty.text("gat", "karate") == "" and empty.df.loc["gat", ("karate", "n")] == 0
    assert set(read(first.bibtex())) == {"kipf2017", "rumelhart1986", "zachary1977", "holland1983"}


def test_settings_of_one_model_and_of_all(tmp_path):
    table = gl.table({"gcn": {"hidden_dim": 4}, "mlp": {}}, "karate", store=tmp_path, epochs=2, progress=False)
    widths = {model: cell.records[0].spec.model_config["hidden_dim"] for (model, _), cell in table.cells.items()}
    assert widths == {"gcn": 4, "mlp": 16}
    assert all(cell.records[0].spec.training["epochs"] == 2 for cell in table.cells.values())


@pytest.mark.parametrize(
    ("models", "datasets", "message"),
    [
        ([], "karate", "needs a model and a data set"),
        (["gcn", "gcn"], "karate", "has model gcn twice"),
        (["gin", "GIN"], "substructures/triangles", "has model gin twice"),
        ("gcn", ["karate", "karate@leaders"], "has data set karate twice"),
        (["gcn", "distmult"], "karate", "distmult on karate: "),
        ({"gcn": {"hiden_dim": 4}}, "karate", "gcn on karate: "),
        ({"gcn": 4}, "karate", "the settings of gcn cannot be 4"),
        ("gcm", "karate", "gcm"),
        (None, "karate", "models cannot be None"),
        (["gcn"], None, "datasets cannot be None"),
        (["gcn"], 5, "datasets cannot be 5"),
    ],
)
def test_what_cannot_be_a_table_is_refused_before_anything_runs(models, datasets, message, tmp_path):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        gl.table(models, datasets, store=tmp_path / "no", progress=False)
    assert caught.value.hint
    assert not (tmp_path / "no").exists()


def test_the_command(cli, tmp_path):
    words = ["table", "gcn,mlp", "karate", "--seeds", "2", "--set", "training.epochs=3", "--store", tmp_path]
    shown = cli(*words)
    assert shown.code == 0 and "karate" in shown.out and "Bold: the best" in shown.out
    assert cli(*words, "--json").json["cells"][0]["n"] == 2
    lines = list(csv.reader(io.StringIO(cli(*words, "--format", "csv").out)))
    assert lines[0][1:] == ["karate"] * 5 and lines[1][1:] == ["mean", "std", "n", "failed", "bold"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert r"\begin{tabular}{lc}" in cli(*words, "--format", "latex", "--percent").out
    assert "kipf2017" in cli(*words, "--format", "bibtex").out
    assert "| gcn |" in cli(*words, "--format", "markdown", "--read").out
    assert cli(*words, "--format", "word").code == 2
