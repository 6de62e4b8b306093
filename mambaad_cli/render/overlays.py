"""One picture and what the network says about it: picture, heat map, true and predicted contours.

Palette: the heat is matplotlib's "inferno" over the grey picture; its brightness grows with the value, so it
reads in grey and with every form of colour blindness. Contours are Okabe-Ito sky blue, solid (truth) and
orange, dashed (prediction), both on a dark edge so that they show on any picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke
from PIL import Image

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import FAINT, INK, ORANGE, SKY, add_axes, add_text, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

PANEL = 288  # the longer side of a panel, pixels
CELL = 200  # the narrowest column, pixels: room for the legends below the panels
GAP = 10
TRUE_LINE: dict[str, Any] = {"color": SKY, "linestyle": "solid", "linewidth": 2}
PREDICTED_LINE: dict[str, Any] = {"color": ORANGE, "linestyle": "dashed", "linewidth": 1.6}
EDGE: list[AbstractPathEffect] = [withStroke(linewidth=3.6, foreground="#1a1a1a")]


def _heat() -> ListedColormap:
    """Inferno that fades in: clear at the bottom of the scale, nearly opaque from its middle on."""
    colours = matplotlib.colormaps["inferno"](np.linspace(0.1, 1, 256))
    colours[:, 3] = 0.85 * np.clip(np.linspace(0, 2, 256), 0, 1)
    return ListedColormap(colours, name="mambaad-heat")


HEAT = _heat()


def caption(category: str, defect: str, score: float, threshold: float) -> str:
    """One line for the head of an overlay: `screw / thread_side    score 0.412 ≥ 0.387    anomalous`."""
    sign, verdict = ("≥", "anomalous") if score >= threshold else ("<", "normal")
    return f"{category} / {defect}    score {score:.3g} {sign} {threshold:.3g}    {verdict}"


def overlay_figure(
    picture: NDArray[np.uint8],
    anomaly_map: NDArray[np.floating[Any]],
    mask: NDArray[np.bool_] | None = None,
    *,
    threshold: float,
    vmin: float,
    vmax: float,
    title: str | None = None,
    scales: Mapping[str, NDArray[np.floating[Any]]] | None = None,
) -> Figure:
    """Panels side by side: the picture, the anomaly map over it, the true and the predicted contour.

    Args:
        picture: (H, W, 3) uint8, RGB.
        anomaly_map: (h, w) float, higher is more anomalous; resized to the picture.
        mask: (h, w) bool, true where the picture is defective; None where nobody knows.
        threshold: the predicted region is `anomaly_map >= threshold`.
        vmin, vmax: ends of the colour scale; keep them fixed for all pictures that are compared.
        title: one line above the panels, for example from `caption`.
        scales: further maps (h, w) by name, for example of each stride; each gets a panel.

    Raises:
        DataError: an array has the wrong shape or type, or the map holds NaN or infinite values.
        UsageError: the scale is empty or not finite.
    """
    heats = {"anomaly map": anomaly_map, **(scales or {})}
    names = ("picture", "anomaly map", "contours", *(scales or {}))
    _check(picture, heats.values(), mask, threshold, vmin, vmax)
    height, width = _panel_size(picture)
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)
    cell = max(width, CELL)
    top = 48 if title else 20
    foot = top + height + 8
    figure = new_figure(len(names) * (cell + GAP) + GAP, foot + 38)
    if title:
        add_text(figure, GAP, 20, title, fontsize=10, fontweight="bold")
    panels = {}
    for number, name in enumerate(names):
        left = GAP + number * (cell + GAP)
        add_text(figure, left, top - 6, name, color=FAINT)
        panels[name] = panel = add_axes(figure, left, top, width, height)
        panel.set_axis_off()
        panel.imshow(
            heat_over(small, heats[name], vmin, vmax) if name in heats else small, interpolation="nearest"
        )
        panel.autoscale(False)

    if mask is not None:
        _contour(panels["contours"], touched(mask, width, height), 0.5, TRUE_LINE)
    _contour(panels["contours"], anomaly_map, threshold, PREDICTED_LINE)
    _colour_bar(figure, vmin, vmax, threshold, left=2 * GAP + cell, top=foot, width=cell)
    _legend(figure, mask, left=3 * GAP + 2 * cell, top=foot, width=cell)
    return figure


def heat_over(
    image: Image.Image, anomaly_map: NDArray[np.floating[Any]], vmin: float, vmax: float
) -> Image.Image:
    """The anomaly map (h, w) in fixed colours over the picture in grey, in the picture's size."""
    heat = Image.fromarray(np.ascontiguousarray(anomaly_map, dtype=np.float32))
    values = np.asarray(heat.resize(image.size, Image.Resampling.BILINEAR))
    colours = Image.fromarray(HEAT((values - vmin) / (vmax - vmin), bytes=True))
    return Image.alpha_composite(image.convert("L").convert("RGBA"), colours).convert("RGB")


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


def _panel_size(picture: NDArray[np.uint8]) -> tuple[int, int]:
    """(height, width) of a panel: the picture's shape with the longer side at PANEL, at least a strip."""
    height, width = picture.shape[:2]
    scale = PANEL / max(height, width)
    return max(round(height * scale), 16), max(round(width * scale), 16)


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
    columns = _centres(values.shape[1], *panel.get_xlim())
    rows = _centres(values.shape[0], *panel.get_ylim()[::-1])
    panel.contour(
        columns,
        rows,
        framed,
        levels=[level],
        colors=[line["color"]],
        linestyles=[line["linestyle"]],
        linewidths=[line["linewidth"]],
    ).set_path_effects(EDGE)


def _centres(count: int, start: float, stop: float) -> NDArray[np.float64]:
    """Centres of `count` pixels between `start` and `stop`, and one more at either end, all kept inside."""
    pixel = (stop - start) / count
    return (start + pixel * (np.arange(-1, count + 1) + 0.5)).clip(start + 1, stop - 1)


def _colour_bar(
    figure: Figure, vmin: float, vmax: float, threshold: float, *, left: int, top: int, width: int
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
        at = min(max(at, left + 75), left + width - 75)
        add_text(figure, at, top + 22, f"threshold {threshold:.3g}", fontsize=8, ha="center")


def _legend(figure: Figure, mask: NDArray[np.bool_] | None, *, left: int, top: int, width: int) -> None:
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
