"""Published numbers, and ours beside them."""

from graphlab.comparison.compare import Row, compare
from graphlab.comparison.export import bibtex, export_leaderboard
from graphlab.comparison.numbers import PublishedNumber, published
from graphlab.comparison.render import leaderboard_table
from graphlab.comparison.rows import leaderboard, leaderboard_json, leaderboard_rows, stored_runs

__all__ = [
    "PublishedNumber",
    "Row",
    "bibtex",
    "compare",
    "export_leaderboard",
    "leaderboard",
    "leaderboard_json",
    "leaderboard_rows",
    "leaderboard_table",
    "published",
    "stored_runs",
]
