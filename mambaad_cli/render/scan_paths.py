"""The paths on which the hybrid scan walks over a map: one panel per direction, coloured along time.

Palette: matplotlib's "viridis" without its palest end. Its brightness grows steadily, so first and last steps
stay apart in grey print and with every form of colour blindness. Start is a circle, the end a square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from PIL import Image

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import FAINT, INK, RULE, add_axes, add_text, new_figure
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.orders import scan_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

TURN_NAMES = ("plain", "transposed", "rotated 90°", "rotated 90°, transposed")
TIME = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.9, 256)), name="mambaad-time")
SHADES = 256  # a path is cut into at most so many pieces of one colour
LARGEST = 256  # pixels of a side: more cannot be told apart in a panel
MARGIN = 16
FOOT = 52


def direction_names(directions: int) -> list[str]:
    """Names of the K directions in the published order: the turns of the map, then the reverse of each."""
    turns = TURN_NAMES[: directions // 2]
    return [*turns, *(f"{name}, reversed" for name in turns)]


def scan_figure(
    method: str, height: int, width: int, directions: int = 8, *, over: NDArray[np.uint8] | None = None
) -> Figure:
    """The paths of `method` over a `height` x `width` map: one panel per direction, the reverses last.

    Args:
        method: one of `mambaad_cli.scan.METHODS`.
        height, width: size of the map in pixels.
        directions: K, one of 2, 4, 8.
        over: (H, W, 3) or (H, W) uint8, a picture of any size to draw the paths on.

    Raises:
        UsageError: unknown method, another number of directions, or a map that is empty or too large.
        DataError: `over` is not a picture.
    """
    _check_size(height, width)
    order = scan_order(method, height, width, directions)
    columns = max(directions // 2, 2)
    panel_width, panel_height = _panel_size(height, width, 208)
    top, step_down = 66, panel_height + 40
    page_width = max(columns * (panel_width + MARGIN) + MARGIN, 460)
    figure = new_figure(page_width, top + directions // columns * step_down - 24 + FOOT)
    add_text(figure, MARGIN, 28, f"{method} scan, {height} x {width}", fontsize=13, fontweight="bold")
    backdrop = _backdrop(over)
    for k, name in enumerate(direction_names(directions)):
        row, column = divmod(k, columns)
        left = MARGIN + column * (panel_width + MARGIN)
        above = top + row * step_down
        add_text(figure, left, above - 7, f"{k + 1}  {name}", fontsize=8.5)
        _draw(add_axes(figure, left, above, panel_width, panel_height), order[k], height, width, backdrop)
    _key(figure, height * width)
    return figure


def scan_sheet(
    height: int, width: int, directions: int = 8, *, over: NDArray[np.uint8] | None = None
) -> Figure:
    """All five methods (rows) under all directions (columns); arguments and errors as for `scan_figure`."""
    _check_size(height, width)
    panel_width, panel_height = _panel_size(height, width, 128)
    left_edge, top = 76, 66
    page_width = max(left_edge + directions * (panel_width + MARGIN), 460)
    figure = new_figure(page_width, top + len(METHODS) * (panel_height + MARGIN) - MARGIN + FOOT)
    add_text(figure, MARGIN, 26, f"five scan methods, {height} x {width}", fontsize=13, fontweight="bold")
    backdrop = _backdrop(over)
    for row, method in enumerate(METHODS):
        order = scan_order(method, height, width, directions)
        above = top + row * (panel_height + MARGIN)
        add_text(figure, MARGIN, above + panel_height / 2 + 4, method, fontsize=10)
        for k, name in enumerate(direction_names(directions)):
            left = left_edge + k * (panel_width + MARGIN)
            if row == 0:
                heading = (
                    f"{k + 1}  " + name.replace(", ", ",\n", 1) if panel_width < 150 else f"{k + 1}  {name}"
                )
                add_text(figure, left, above - 7, heading, fontsize=8, va="bottom")
            _draw(add_axes(figure, left, above, panel_width, panel_height), order[k], height, width, backdrop)
    _key(figure, height * width)
    return figure


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise UsageError(f"a map of {height} x {width} pixels has nothing to scan", "for example: 16x16")
    if max(height, width) > LARGEST:
        raise UsageError(
            f"a map of {height} x {width} pixels is too large to draw",
            f"at most {LARGEST} pixels per side can be told apart in a panel, for example: 64x64",
        )


def _panel_size(height: int, width: int, longest: int) -> tuple[int, int]:
    """(width, height) of a panel in pixels: the map's shape, but never thinner than a fifth of `longest`."""
    scale = longest / max(height, width)
    return max(round(width * scale), longest // 5), max(round(height * scale), longest // 5)


def _backdrop(picture: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    """The picture in grey, small enough for a panel."""
    if picture is None:
        return None
    if (
        picture.dtype != np.uint8
        or picture.ndim not in (2, 3)
        or 0 in picture.shape
        or picture.shape[2:] not in ((), (3,))
    ):
        raise DataError(
            f"a picture must be (H, W, 3) or (H, W) uint8; this one is {picture.shape} {picture.dtype}"
        )
    image = Image.fromarray(picture).convert("L")
    image.thumbnail((512, 512))
    return np.asarray(image)


def _draw(
    panel: Axes, path: NDArray[np.integer[Any]], height: int, width: int, backdrop: NDArray[np.uint8] | None
) -> None:
    """Draw one path (L,) of raster indices: steps to a neighbour thick, jumps thin and dotted."""
    panel.set_xlim(-0.5, width - 0.5)
    panel.set_ylim(height - 0.5, -0.5)
    panel.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    for spine in panel.spines.values():
        spine.set_color(FAINT)
        spine.set_linewidth(0.8)
    if backdrop is None:
        _grid(panel, height, width)
    else:
        panel.imshow(
            backdrop,
            cmap="gray",
            vmin=0,
            vmax=255,
            alpha=0.8,
            aspect="auto",
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )

    rows, columns = np.divmod(path, width)
    points = np.column_stack([columns, rows])
    jumps = np.abs(np.diff(points, axis=0)).max(axis=1, initial=0) > 1
    pixels = panel.get_window_extent().width / width
    line = float(np.clip(pixels * 0.09, 0.7, 2.4))
    halo = [withStroke(linewidth=line + 1.2, foreground="white")] if backdrop is not None else None
    for thin in (True, False):
        pieces, times = _pieces(points, jumps == thin)
        panel.add_collection(
            LineCollection(
                pieces,
                array=times,
                cmap=TIME,
                norm=Normalize(0, max(len(path) - 1, 1)),
                path_effects=halo,
                linewidths=0.5 * line if thin else line,
                linestyles=(0, (1, 1)) if thin else "solid",
                capstyle="butt" if thin else "round",
                joinstyle="round",
                zorder=2 if thin else 3,
            ),
            autolim=False,
        )
    size = float(np.clip(pixels * 0.34, 4.5, 8))
    panel.plot(
        *points[-1],
        marker="s",
        markersize=size,
        color=TIME(1.0),
        clip_on=False,
        zorder=5,
        markeredgecolor=INK,
        markeredgewidth=0.9,
    )
    panel.plot(
        *points[0],
        marker="o",
        markersize=size,
        color=TIME(0.0),
        clip_on=False,
        zorder=5,
        markeredgecolor="white",
        markeredgewidth=0.9,
    )


def _grid(panel: Axes, height: int, width: int) -> None:
    """A line between pixels, or every power-of-two many pixels where they would run together."""
    step = 1
    while max(height, width) > 32 * step:
        step *= 2
    panel.set_xticks(np.arange(step, width, step) - 0.5)
    panel.set_yticks(np.arange(step, height, step) - 0.5)
    panel.grid(color=RULE, linewidth=0.6)
    panel.set_axisbelow(True)


def _pieces(
    points: NDArray[np.integer[Any]], chosen: NDArray[np.bool_]
) -> tuple[list[NDArray[Any]], NDArray[Any]]:
    """Cut the chosen steps of a path into polylines of one colour each.

    Args:
        points: (L, 2), the path.
        chosen: (L - 1,) bool, the steps to draw.

    Returns:
        the polylines, each (n, 2), and the time at the middle of each.
    """
    steps = np.flatnonzero(chosen)
    shade = steps * SHADES // max(len(chosen), 1)
    cuts = np.flatnonzero((np.diff(steps) > 1) | (np.diff(shade) > 0)) + 1
    runs = [run for run in np.split(steps, cuts) if len(run)]
    pieces = [points[run[0] : run[-1] + 2] for run in runs]
    return pieces, np.array([(run[0] + run[-1] + 1) / 2 for run in runs])


def _key(figure: Figure, length: int) -> None:
    """The foot of the figure: what markers, lines and colours mean."""
    height = figure.get_size_inches()[1] * figure.dpi
    top = height - FOOT + 16
    edge: dict[str, Any] = {"linestyle": "none", "markersize": 7}
    handles = [
        Line2D([], [], label="start", marker="o", color=TIME(0.0), **edge),
        Line2D([], [], label="end", marker="s", color=TIME(1.0), markeredgecolor=INK, **edge),
        Line2D([], [], label="jump", color=FAINT, linestyle=(0, (1, 1)), linewidth=1.2),
    ]
    area = add_axes(figure, MARGIN, top, 210, 20)
    area.set_axis_off()
    area.legend(
        handles=handles,
        loc="center left",
        ncols=3,
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        borderpad=0,
        borderaxespad=0,
        handletextpad=0.4,
        columnspacing=1.2,
    )
    bar = add_axes(figure, 300, top + 6, 110, 8)
    figure.colorbar(
        ScalarMappable(Normalize(0, 1), TIME), cax=bar, orientation="horizontal", ticks=[]
    ).outline.set_visible(False)
    add_text(figure, 292, top + 14, "step 1", fontsize=8.5, ha="right")
    add_text(figure, 418, top + 14, f"{length}", fontsize=8.5)
