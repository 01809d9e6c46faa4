"""Figures: what is drawn is what the records say, and pyplot is left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from graphlab.analysis import report
from graphlab.analysis.plots import WRONG, plot_comparison, plot_predictions
from graphlab.comparison.configurations import configurations
from graphlab.comparison.rows import leaderboard_rows
from graphlab.data.load import load
from graphlab.experiment.definition import Experiment
from graphlab.experiment.figures import COLOURS, DASHES, label_of, learning_curves, plot_curves, style_of
from graphlab.experiment.reproduce import Comparison
from graphlab.experiment.runs import Runs
from tests.comparison.records_made import record, records


def test_the_mean_curve_is_the_mean_and_ends_with_the_first_seed():
    runs = records(0.4, 0.8)
    longer = record(0.8, 2)
    object.__setattr__(longer, "curve", (*longer.curve, {"epoch": 3, "loss": 1.0, "validation_accuracy": 0.9}))
    *seeds, mean = learning_curves([*runs, longer]).axes[0].lines
    assert [len(line.get_xdata()) for line in seeds] == [2, 2, 3]
    assert list(mean.get_ydata()) == pytest.approx([2 / 3, 2 / 3])
    assert mean.get_label() == "gcn"


def test_a_model_that_does_not_train_is_a_level():
    run = record(0.7, model="label-propagation")
    object.__setattr__(run, "curve", ())
    (line,) = learning_curves([run]).axes[0].lines
    assert set(line.get_ydata()) == {0.7}
    assert "not trained" in str(line.get_label())


def test_a_model_that_is_evaluated_once_is_a_level_and_was_trained():
    run = record(0.7)
    object.__setattr__(run, "curve", ({"epoch": 1, "loss": 1.0}, run.curve[1]))
    (line,) = learning_curves([run]).axes[0].lines
    assert set(line.get_ydata()) == {0.7}
    assert line.get_label() == "gcn (evaluated once)"


def test_no_runs_and_failed_runs_make_an_empty_figure():
    assert learning_curves([]).axes[0].lines[:] == []
    assert learning_curves(records(None)).render("png")


def test_nothing_of_long_settings_is_cut_off():
    settings = {f"setting_{index}": value for index, value in enumerate((1, "resistance", 0.001, True))}
    mine = [*records(0.81, 0.82, policy="none", **settings), *records(0.5, 0.6, policy="distance", **settings)]
    mine += records(0.7, 0.71)
    figures = [plot_comparison(leaderboard_rows("planetoid/cora", mine), "accuracy")]
    figures.append(plot_curves({label_of(c.spec.model, c.settings): c.records for c in configurations(mine)}))
    for figure in figures:
        figure.render("png")
        axes = figure.axes[0]
        assert axes.bbox.width > figure.bbox.width / 3
        written = [axes.xaxis.label, axes.yaxis.label, *figure.legends[0].get_texts()]
        written += axes.get_yticklabels() if figure is figures[0] else ()
        for extent in (text.get_window_extent() for text in written if text.get_text()):
            assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y0 >= 0 and extent.y1 <= figure.bbox.y1


def test_one_model_under_other_settings_has_a_curve_of_its_own_in_a_report(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(report, "plot_curves", lambda groups, metric: drawn.append(groups) or plot_curves(groups))
    monkeypatch.setattr(report, "_picture", lambda record, store: ())
    mine = [*records(0.8, 0.9, weight="none"), *records(0.4, 0.6, weight="degree")]
    runs = (Runs(tuple(mine[:2])), Runs(tuple(mine[2:])))
    experiment = Experiment.parse({"title": "T", "runs": [{"model": "gcn", "dataset": "cora"}]}, where="test")
    rows = leaderboard_rows("planetoid/cora", mine)
    report.write_report(
        Comparison(experiment, tmp_path, tmp_path, runs, (), (), {"planetoid/cora": rows}), tmp_path / "r"
    )
    (groups,) = drawn
    assert {label: len(group) for label, group in groups.items()} == {
        "gcn\nmodel.weight=none": 2,
        "gcn\nmodel.weight=degree": 2,
    }


def test_styles_differ_for_many_models():
    styles = [tuple(style_of(index).values()) for index in range(len(COLOURS) * len(DASHES))]
    assert len(set(styles)) == len(styles)


def test_predictions_ring_what_is_wrong():
    dataset = load("karate")
    truth = torch.nn.functional.one_hot(dataset.graph.y, 2).float()
    logits = truth.clone()
    logits[[5, 9]] = 1 - logits[[5, 9]]
    axes = plot_predictions(dataset, logits, dataset.split()).axes[0]
    from matplotlib.colors import to_rgba

    ringed = [c for c in axes.collections if tuple(c.get_edgecolor()[0]) == to_rgba(WRONG)]
    assert len(axes.collections) == 34
    assert len(ringed) == 2


def test_comparison_has_a_line_a_model():
    figure = plot_comparison(leaderboard_rows("planetoid/cora", records(0.81, 0.82)), "accuracy")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert sorted(labels) == ["gat", "gcn", "label-propagation", "mlp"]
    drawn = [collection.get_offsets()[:, 0].tolist() for collection in figure.axes[0].collections]
    assert [0.81, 0.82] in drawn


def test_equal_figures_are_equal_bytes():
    runs = records(0.4, 0.8)
    assert learning_curves(runs).render("svg") == learning_curves(runs).render("svg")


@pytest.mark.slow
def test_matplotlib_is_loaded_late_and_pyplot_never():
    code = (
        "import sys, graphlab.experiment.reproduce; assert 'matplotlib' not in sys.modules\n"
        "import graphlab.analysis.report; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
