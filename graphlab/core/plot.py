"""What all figures have in common.

They are matplotlib objects of their own: they need no window and leave pyplot's state alone.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure


class Plot(Figure):
    """A figure that Jupyter shows by itself and that turns into a `data:` address for a page."""

    def __init__(self, width: float = 7.0, height: float = 3.6) -> None:
        super().__init__(figsize=(width, height), layout="constrained", facecolor="white")

    def panel(self) -> Axes:
        """A pair of axes without a box around it."""
        axes = self.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
        return axes

    def render(self, form: str, **options: Any) -> bytes:
        """The file's bytes; equal figures give equal bytes."""
        buffer = BytesIO()
        metadata = {"Date": None} if form == "svg" else {}
        with mpl.rc_context({"svg.hashsalt": "graphlab", "svg.fonttype": "path"}):
            self.savefig(buffer, format=form, metadata=metadata, **options)
        return buffer.getvalue()

    def data_uri(self) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(self.render("svg")).decode()

    def _repr_png_(self) -> bytes:
        return self.render("png", dpi=110)
