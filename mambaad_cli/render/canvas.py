"""The sheet everything is drawn on: matplotlib figures without pyplot or global state, saved atomically.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which stay apart under the common forms
of colour blindness. Where two lines matter they also differ in style: a print in grey tells them apart.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mambaad_cli.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#222222"
FAINT = "#8a8a8a"
RULE = "#d5d5d5"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"

DPI = 100
# PNG at level 1 is written four times as fast as at the usual 6, and a seventh larger.
PAINTED: dict[str, dict[str, Any]] = {
    "png": {"compress_level": 1},
    "jpg": {"quality": 90, "subsampling": 0},
    "webp": {"quality": 90},
}
FORMATS = (*PAINTED, "svg", "pdf")


def new_figure(width: float, height: float, zoom: float = 1) -> Figure:
    """An empty white figure of `width` x `height` pixels, each `zoom` pixels wide in the file."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=zoom * DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in pixels from the upper left corner of the figure, as one reads a page."""
    page_width, page_height = figure.get_size_inches() * DPI
    return figure.add_axes(
        (left / page_width, 1 - (top + height) / page_height, width / page_width, height / page_height)
    )


def add_text(figure: Figure, left: float, top: float, text: str, **style: Any) -> None:
    """Text whose baseline begins in pixels from the upper left corner; dollar signs stay dollar signs."""
    page_width, page_height = figure.get_size_inches() * DPI
    look: dict[str, Any] = {"fontsize": 9, "color": INK, "va": "baseline", "parse_math": False, **style}
    figure.text(left / page_width, 1 - top / page_height, text, **look)


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, SVG, PDF, JPEG or WebP, chosen by the suffix of `path`; returns the path.

    Missing folders are created. The file appears complete or not at all: it is written aside, then renamed.

    Raises:
        UsageError: the suffix is none of the known ones.
    """
    path = Path(path)
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in FORMATS:
        raise UsageError(
            f"cannot draw into {path}: the ending {path.suffix!r} is not a picture format",
            f"end the name with one of: {', '.join('.' + name for name in FORMATS)}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if suffix in PAINTED:
            pixels(figure).save(aside, "JPEG" if suffix == "jpg" else suffix, **PAINTED[suffix])
        else:
            figure.savefig(aside, format=suffix, metadata={"Date": None} if suffix == "svg" else None)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def pixels(figure: Figure) -> Image.Image:
    """The figure as an RGB picture."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
