"""The report of a study of links: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from graphlab.analysis.page import page
from graphlab.analysis.report import figure_html, wide
from graphlab.analysis.topology.measures import MEASURES
from graphlab.analysis.topology.pictures import plot_correlations, plot_distributions, plot_scatter
from graphlab.core.errors import InputError
from graphlab.core.files import write_text
from graphlab.experiment.views import table_html

if TYPE_CHECKING:
    from graphlab.analysis.topology.correlation import Correlation
    from graphlab.analysis.topology.study import LinkStudy

SHOWN = ("hits@{cut}", "recall@{cut}", "ndcg@{cut}", "mrr")


def write_page(study: LinkStudy, path: Path) -> Path:
    """Write the page, and give its path. Raises InputError if the file cannot be written."""
    title = f"{study.model} on {study.dataset}" if study.model else study.dataset
    text = page(escape(f"Links of {title}"), "\n".join(_sections(study, title)))
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}", hint="name another file") from error
    return path


def _sections(study: LinkStudy, title: str) -> Iterator[str]:
    yield f"<h1>Links of {escape(title)}</h1>"
    yield f'<p class="summary" role="status">{escape(study.text)}</p>'
    yield "<h2>Concentration</h2>"
    yield (
        "<p>How many of the walks from a node end where those of its neighbours do, over its training, validation and "
        "test links (Wang et al., ICLR 2024). A gap between the curves is the topological distribution shift.</p>"
    )
    caption = "Share of nodes by their concentration, of all splits together."
    yield figure_html(plot_distributions(study), "Distributions of the concentration", caption)
    if "shift" in study.summary:
        yield (
            f"<p>From training to test links the distributions are {study.summary['shift']:.3f} apart (Wasserstein's "
            "distance, over nodes with links in both, the mean over splits).</p>"
        )
    if not study.model:
        return
    yield "<h2>Ranking and concentration</h2>"
    for measure in ("tc_test", "degree_train"):
        caption = f"NDCG@{study.cut} of each node against its {MEASURES[measure]}."
        yield figure_html(plot_scatter(study, measure), caption, caption)
    yield "<h2>Correlations</h2>"
    kind = "over nodes, by Fisher" if len(study.seeds) == 1 else f"over {len(study.seeds)} seeds, by Student"
    yield (
        "<p>Pearson's correlation of each measure with each metric over the nodes that have test links, with its 95 % "
        f"interval {kind}. The node itself and its training and validation links are not ranked.</p>"
    )
    caption = "Correlations; a small o where the interval has zero."
    yield figure_html(plot_correlations(study), "Correlations of measures with metrics", caption)
    table, shown = study.correlations(), [name.format(cut=study.cut) for name in SHOWN]
    names = dict.fromkeys(name for name, _ in table)
    cells = [[escape(MEASURES[name]), *(_cell(table[name, metric]) for metric in shown)] for name in names]
    yield wide(table_html("Correlation and interval", ["measure", *shown], cells))
    yield "<h2>Nodes that are served badly</h2>"
    yield (
        f"<p>Hits@{study.cut} over the tenth of the nodes that a measure puts lowest, beside all nodes; and how well a "
        f"low value tells a node without a hit among its first {study.cut} (AUROC, .5 is chance).</p>"
    )
    lowest = study.lowest()
    cells = [
        [escape(MEASURES[row["measure"]]), *(_number(row[column]) for column in ("lowest", "all", "auroc"))]
        for row in lowest.to_dict("records")
    ]
    yield wide(table_html(f"Hits@{study.cut} and AUROC by measure", ["measure", "lowest tenth", "all", "AUROC"], cells))


def _cell(each: Correlation) -> str:
    if each.value is None:
        return "not defined"
    interval = "" if each.low is None else f" <small>[{each.low:.2f}, {each.high:.2f}]</small>"
    return f"{each.value:.2f}{interval}"


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.3f}"
