"""What all figures have in common.

They are matplotlib objects of their own: they need no window and leave pyplot's state alone.
"""

from __future__ import annotations

import base64
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graphlab.core.errors import InputError
from graphlab.core.files import write_atomic

FORMS = ("svg", "png", "pdf")


def form_of(path: str | os.PathLike[str]) -> str:
    """The form that a file's ending names. Raises InputError for none that there is."""
    form = Path(path).suffix.removeprefix(".").lower()
    if form not in FORMS:
        raise InputError(f"cannot draw into {path}", hint=f"name a file that ends in .{', .'.join(FORMS)}")
    return form


class Plot(Figure):
    """A figure that Jupyter shows by itself and that turns into a `data:` address for a page."""

    def __init__(self, width: float = 7.0, height: float = 3.6) -> None:
        super().__init__(figsize=(width, height), layout="constrained", facecolor="white")

    def panel(self, place: int = 1, count: int = 1) -> Axes:
        """A pair of axes without a box around it, at a place, from 1, of so many side by side."""
        axes = self.add_subplot(1, count, place)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
        return axes

    def render(self, form: str, **options: Any) -> bytes:
        """The file's bytes; equal figures give equal bytes."""
        buffer = BytesIO()
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
        with mpl.rc_context({"svg.hashsalt": "graphlab", "svg.fonttype": "path"}):
            self.savefig(buffer, format=form, metadata=metadata, **options)
        return buffer.getvalue()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the figure in the form that the file's ending names, and give its path.

        Raises InputError for another ending, or a file that cannot be written.
        """
        file = Path(path)
        form = form_of(file)
        picture = self.render(form)
        try:
            write_atomic(file, lambda out: out.write(picture))
        except OSError as error:
            raise InputError(f"cannot write {file}: {error.strerror or error}", hint="name another file") from error
        return file

    def data_uri(self) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(self.render("svg")).decode()

    def _repr_png_(self) -> bytes:
        return self.render("png", dpi=110)
