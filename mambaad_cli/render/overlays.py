"""One picture and what the network says about it: picture, heat map, true and predicted contours.

Panels have the size of the picture, and text and lines grow with it. Palette: the heat is that of `heat`;
contours are Okabe-Ito sky blue, solid (truth) and orange, dashed (prediction), both on a dark edge so that
they show on any picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke
from PIL import Image

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import DPI, FAINT, INK, ORANGE, SKY, add_axes, add_text, new_figure
from mambaad_cli.render.heat import HEAT, heat_over

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SMALLEST = 288  # a picture whose longer side has fewer pixels is enlarged, by a whole number
LARGEST = 4096  # a picture whose longer side has more is reduced to this
COMFORT = 512  # beyond this longer side, text and lines grow with the picture
STRIP = 16  # no panel is thinner

# The layout, in pixels at zoom 1. Multiples of 4: at every quarter of a zoom they are whole pixels.
CELL = 200  # the narrowest column: room for the legends below the panels
GAP = 12
TRUE_LINE: dict[str, Any] = {"color": SKY, "linestyle": "solid", "linewidth": 2}
PREDICTED_LINE: dict[str, Any] = {"color": ORANGE, "linestyle": "dashed", "linewidth": 1.6}
EDGE: list[AbstractPathEffect] = [withStroke(linewidth=3.6, foreground="#1a1a1a")]


def caption(category: str, defect: str, score: float, threshold: float, overlap: float | None = None) -> str:
    """The head of an overlay: `screw / thread_side    score 0.412 ≥ 0.387    anomalous    IoU 0.63`."""
    sign, verdict = ("≥", "anomalous") if score >= threshold else ("<", "normal")
    words = [f"{category} / {defect}", f"score {score:.3g} {sign} {threshold:.3g}", verdict]
    return "    ".join(words if overlap is None else [*words, f"IoU {overlap:.2f}"])


def overlap(
    anomaly_map: NDArray[np.floating[Any]], mask: NDArray[np.bool_], threshold: float
) -> float | None:
    """Intersection over union of `anomaly_map >= threshold` (h, w) with the mask of any size at the map's
    resolution; None where the mask is empty."""
    height, width = anomaly_map.shape
    small = Image.fromarray(touched(mask, width, height)).resize((width, height), Image.Resampling.NEAREST)
    truth, found = np.asarray(small) > 0, anomaly_map >= threshold
    return float((truth & found).sum() / (truth | found).sum()) if truth.any() else None


def overlay_figure(
    picture: NDArray[np.uint8],
    anomaly_map: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None = None,
    *,
    threshold: float,
    vmin: float,
    vmax: float,
    title: str | None = None,
    note: str | None = None,
    scales: Mapping[str, NDArray[np.floating[Any]]] | None = None,
) -> Figure:
    """Panels side by side: the picture, the anomaly map over it, the true and the predicted contour.

    Panels have the picture's size: saved as PNG, each of its pixels is one of the file. Pictures below
    SMALLEST pixels are enlarged and those above LARGEST reduced.

    Args:
        picture: (H, W, 3) uint8, RGB.
        anomaly_map: (h, w) float, higher is more anomalous; resized to the picture.
        mask: (h, w) bool, true where the picture is defective; None where nobody knows.
        threshold: the predicted region is `anomaly_map >= threshold`.
        vmin, vmax: ends of the colour scale; keep them fixed for all pictures that are compared.
        title: one line above the panels, for example from `caption`.
        note: one line below the panels.
        scales: further maps (h, w) by name, for example of each stride; each gets a panel.

    Raises:
        DataError: an array has the wrong shape or type, or the map holds NaN or infinite values.
        UsageError: the scale is empty or not finite.
    """
    heats = {"anomaly map": anomaly_map, **(scales or {})}
    names = ("picture", "anomaly map", "contours", *(scales or {}))
    _check(picture, heats.values(), mask, threshold, vmin, vmax)
    size = panel_size(*picture.shape[:2])
    image = _resized(picture, size)
    width, height = size.width / size.zoom, size.height / size.zoom
    cell = max(width, CELL)
    top = 48 if title else 20
    foot = top + height + 8
    figure = new_figure(len(names) * (cell + GAP) + GAP, foot + (56 if note else 36), size.zoom)
    if title:
        add_text(figure, GAP, 20, title, fontsize=10, fontweight="bold")
    if note:
        add_text(figure, GAP, foot + 44, note, fontsize=8, color=FAINT)
    panels = {}
    for number, name in enumerate(names):
        left = GAP + number * (cell + GAP)
        add_text(figure, left, top - 6, name, color=FAINT)
        panels[name] = panel = add_axes(figure, left, top, width, height)
        panel.set_axis_off()
        view = heat_over(image, heats[name], vmin, vmax) if name in heats else image
        panel.imshow(view, interpolation="nearest")
        panel.autoscale(False)

    if mask is not None:
        _contour(panels["contours"], touched(mask, size.width, size.height), 0.5, TRUE_LINE)
    _contour(panels["contours"], anomaly_map, threshold, PREDICTED_LINE)
    _colour_bar(figure, vmin, vmax, threshold, left=2 * GAP + cell, top=foot, width=cell)
    _legend(figure, mask, left=3 * GAP + 2 * cell, top=foot, width=cell)
    return figure


@dataclass(frozen=True)
class PanelSize:
    """Size of a panel in pixels of the figure, and the zoom of text and lines."""

    width: int
    height: int
    zoom: float


def panel_size(height: int, width: int) -> PanelSize:
    """The picture's own size; small ones are enlarged by a whole number, huge ones reduced."""
    longest = max(height, width)
    scale = math.ceil(SMALLEST / longest) if longest < SMALLEST else min(1, LARGEST / longest)
    zoom = max(1, math.floor(4 * scale * longest / COMFORT) / 4)
    return PanelSize(max(round(width * scale), STRIP), max(round(height * scale), STRIP), zoom)


def _resized(picture: NDArray[np.uint8], size: PanelSize) -> Image.Image:
    image = Image.fromarray(picture)
    enlarged = size.width > image.width
    return image.resize(
        (size.width, size.height), Image.Resampling.NEAREST if enlarged else Image.Resampling.BOX
    )


def _check(
    picture: NDArray[Any],
    maps: Iterable[NDArray[Any]],
    mask: NDArray[Any] | None,
    threshold: float,
    vmin: float,
    vmax: float,
) -> None:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise DataError(f"a picture must be (H, W, 3) uint8; this one is {picture.shape} {picture.dtype}")
    for heat in maps:
        if heat.ndim != 2 or heat.size == 0:
            raise DataError(f"an anomaly map must be (h, w); this one is {heat.shape}")
        if not np.isfinite(heat).all():
            raise DataError(
                "the anomaly map holds NaN or infinite values",
                "the run may have diverged: see its training curve",
            )
    if mask is not None and (mask.ndim != 2 or mask.size == 0):
        raise DataError(f"a mask must be (h, w); this one is {mask.shape}")
    if not (np.isfinite([threshold, vmin, vmax]).all() and vmin < vmax):
        raise UsageError(
            f"cannot draw on the scale {vmin} to {vmax} with threshold {threshold}", "give vmin < vmax"
        )


def touched(mask: NDArray[np.bool_], width: int, height: int) -> NDArray[np.float32]:
    """The mask no larger than a panel; a panel pixel counts that a defect touches, so that none is lost."""
    size = min(mask.shape[1], width), min(mask.shape[0], height)
    share = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)
    return (np.asarray(share) > 0).astype(np.float32)


def _contour(panel: Axes, values: NDArray[np.floating[Any]], level: float, line: dict[str, Any]) -> None:
    """Outline `values >= level`."""
    if not (values > level).any():
        return
    # A frame of low values closes the regions that touch the border.
    low = min(float(values.min()), level) - 1e-3 * (1 + abs(level))
    framed = np.pad(values, 1, constant_values=low)
    inset = panel.figure.dpi / DPI
    columns = _centres(values.shape[1], *panel.get_xlim(), inset)
    rows = _centres(values.shape[0], *panel.get_ylim()[::-1], inset)
    panel.contour(
        columns,
        rows,
        framed,
        levels=[level],
        colors=[line["color"]],
        linestyles=[line["linestyle"]],
        linewidths=[line["linewidth"]],
    ).set_path_effects(EDGE)


def _centres(count: int, start: float, stop: float, inset: float) -> NDArray[np.float64]:
    """Centres of `count` pixels between `start` and `stop`, and one more at either end, all kept inside."""
    pixel = (stop - start) / count
    return (start + pixel * (np.arange(-1, count + 1) + 0.5)).clip(start + inset, stop - inset)


def _colour_bar(
    figure: Figure, vmin: float, vmax: float, threshold: float, *, left: float, top: float, width: float
) -> None:
    bar = add_axes(figure, left, top, width, 10)
    bar.set_facecolor("#808080")
    colour_bar = figure.colorbar(
        ScalarMappable(Normalize(vmin, vmax), HEAT), cax=bar, orientation="horizontal"
    )
    colour_bar.outline.set_visible(False)
    colour_bar.set_ticks([vmin, vmax], labels=[f"{vmin:.3g}", f"{vmax:.3g}"])
    labels = bar.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    labels[1].set_horizontalalignment("right")
    bar.tick_params(labelsize=8, length=0, pad=3, colors=INK)
    if vmin <= threshold <= vmax:
        bar.axvline(threshold, color="white", linewidth=2)
        bar.axvline(threshold, color="black", linewidth=1)
        at = left + width * (threshold - vmin) / (vmax - vmin)
        at = min(max(at, left + 90), left + width - 90)
        add_text(figure, at, top + 22, f"pixel threshold {threshold:.3g}", fontsize=8, ha="center")


def _legend(figure: Figure, mask: NDArray[np.bool_] | None, *, left: float, top: float, width: float) -> None:
    entries = [Line2D([], [], label="predicted", path_effects=EDGE, **PREDICTED_LINE)]
    if mask is not None:
        name = "true defect" if mask.any() else "true defect (none)"
        entries.insert(0, Line2D([], [], label=name, path_effects=EDGE, **TRUE_LINE))
    area = add_axes(figure, left, top - 6, width, 22)
    area.set_axis_off()
    area.legend(
        handles=entries,
        loc="center left",
        ncols=2,
        frameon=False,
        fontsize=8,
        labelcolor=INK,
        borderpad=0,
        borderaxespad=0,
        handlelength=2.6,
        columnspacing=1.2,
    )
