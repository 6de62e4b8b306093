"""How the training went: the loss and the learning rate per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from mambaad_cli.errors import RunError
from mambaad_cli.render.canvas import (
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    RULE,
    SKY,
    VERMILLION,
    add_axes,
    add_text,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


STYLES: tuple[tuple[str, Any], ...] = ((GREEN, (0, (1, 1))), (SKY, (0, (3, 1, 1, 1))), (ORANGE, (0, (5, 1))))


def loss_figure(steps: Sequence[Mapping[str, Any]]) -> Figure:
    """Loss (above) and learning rate (below) against the epoch, on a
    logarithmic scale where the values span more than a factor of three.

    Args:
        steps: rows of a run's train.jsonl, each with "epoch", "loss" and, if known, "lr", "held_loss" (the
            loss on normal pictures that were held back) and "loss_scales" (that of each scale, finest first),
            which get lines of their own. Losses that are not finite are marked at the top.

    Raises:
        RunError: there is no row yet.
    """
    if not steps:
        raise RunError("no epoch of this run is finished, so there is no training curve yet")
    epoch = np.array([row["epoch"] for row in steps], dtype=float)
    loss = _column(steps, "loss")
    held = _column(steps, "held_loss")
    scales = _scales(steps)

    figure = new_figure(720, 420)
    upper = add_axes(figure, 60, 34, 640, 220)
    lower = add_axes(figure, 60, 290, 640, 86)
    add_text(figure, 60, 22, "loss", fontsize=11, fontweight="bold")
    add_text(figure, 60, 280, "learning rate", fontsize=11, fontweight="bold")
    _axis(upper, np.concatenate([loss, held, scales.ravel()]))
    _axis(lower, rate := _column(steps, "lr"))
    _line(upper, epoch, loss, "training", color=BLUE)
    if np.isfinite(held).any():
        _line(upper, epoch, held, "held back", color=VERMILLION, linestyle="dashed")
    for number, (line, (colour, style)) in enumerate(zip(scales, STYLES, strict=False)):
        name = f"scale {number + 1}" + (" (finest)" if number == 0 else "")
        _line(upper, epoch, line, name, color=colour, linestyle=style, linewidth=1, marker=None)
    _line(lower, epoch, rate, "learning rate", color=VERMILLION)
    if len(upper.lines) > 1:
        upper.legend(fontsize=8, frameon=False, ncols=5, loc="lower right", bbox_to_anchor=(1, 1.0))
    broken = ~np.isfinite(loss)
    if broken.any():
        upper.plot(
            epoch[broken],
            np.full(broken.sum(), 0.97),
            "x",
            color=VERMILLION,
            transform=upper.get_xaxis_transform(),
        )
        upper.annotate(
            "x  loss not finite",
            (0.99, 0.87),
            xycoords="axes fraction",
            ha="right",
            color=VERMILLION,
            fontsize=9,
        )
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("epoch", fontsize=9)
    for panel in (upper, lower):
        panel.set_xlim(epoch.min() - 0.5, epoch.max() + 0.5)
    return figure


def _column(steps: Sequence[Mapping[str, Any]], name: str) -> NDArray[np.float64]:
    """The values of the rows under a name, NaN where there is none."""
    values = [row.get(name) for row in steps]
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def _scales(steps: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """(S, n) the loss of each scale in each row, or (0, n) where a row does not have them."""
    rows = [row.get("loss_scales") or [] for row in steps]
    return np.array(rows if len({len(row) for row in rows}) == 1 else [[]] * len(rows), dtype=float).T


def _axis(panel: Axes, values: NDArray[np.float64]) -> None:
    """The scale that suits the values, ticks and grid."""
    known = values[np.isfinite(values)]
    if not known.size:
        panel.set_yticks([])
    elif known.max() > 3 * known.min() > 0:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter("{x:g}")
    panel.grid(color=RULE, linewidth=0.6)
    panel.tick_params(labelsize=8, color=FAINT, which="both")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _line(
    panel: Axes, epoch: NDArray[np.float64], values: NDArray[np.float64], name: str, **style: Any
) -> None:
    look = {"linewidth": 1.6, "marker": "o" if len(epoch) < 40 else None, "markersize": 3, **style}
    panel.plot(epoch, np.where(np.isfinite(values), values, np.nan), label=name, **look)
