"""Data sets as HTML, for notebooks."""

from __future__ import annotations

from html import escape

from graphlab.data.dataset import Dataset
from graphlab.experiment.views import table_html


def dataset_html(dataset: Dataset) -> str:
    """The card of a data set: what it holds, whose it is and how it is cited."""
    card = dataset.card
    facts = {
        "task": dataset.task,
        "split": dataset.splits.name,
        **{key.removeprefix("num_"): f"{value:,}" for key, value in dataset.statistics().items()},
        "licence": card.licence,
    }
    lines = [(escape(key.replace("_", " ")), escape(value)) for key, value in facts.items()]
    source = f'<a href="{escape(card.citation.url)}">{escape(str(card.citation))}</a>'
    return table_html(f"{card.title}: {dataset.name}", ["", ""], [*lines, ("source", source)])
