"""Published numbers, and ours beside them."""

from graphlab.comparison.compare import Row, compare
from graphlab.comparison.export import bibtex, export
from graphlab.comparison.numbers import PublishedNumber, published
from graphlab.comparison.rows import leaderboard, leaderboard_rows, rows_json

__all__ = [
    "PublishedNumber",
    "Row",
    "bibtex",
    "compare",
    "export",
    "leaderboard",
    "leaderboard_rows",
    "published",
    "rows_json",
]
