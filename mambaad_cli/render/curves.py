"""How the training went: the loss and the learning rate per epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from mambaad_cli.errors import RunError
from mambaad_cli.render.canvas import BLUE, FAINT, RULE, VERMILLION, add_axes, add_text, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def loss_figure(steps: Sequence[Mapping[str, float]]) -> Figure:
    """Loss (above) and learning rate (below) against the epoch, on a
    logarithmic scale where the values span more than a factor of three.

    Args:
        steps: rows of a run's train.jsonl, each with "epoch", "loss" and, if known, "lr". Losses that are not
            finite are marked at the top.

    Raises:
        RunError: there is no row yet.
    """
    if not steps:
        raise RunError("no epoch of this run is finished, so there is no training curve yet")
    epoch = np.array([row["epoch"] for row in steps], dtype=float)
    loss = np.array([row["loss"] for row in steps], dtype=float)
    rate = np.array([row.get("lr", np.nan) for row in steps], dtype=float)

    figure = new_figure(720, 420)
    upper = add_axes(figure, 60, 34, 640, 220)
    lower = add_axes(figure, 60, 290, 640, 86)
    add_text(figure, 60, 22, "loss", fontsize=11, fontweight="bold")
    add_text(figure, 60, 280, "learning rate", fontsize=11, fontweight="bold")
    _line(upper, epoch, loss, BLUE)
    _line(lower, epoch, rate, VERMILLION)
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


def _line(panel: Axes, epoch: NDArray[np.float64], values: NDArray[np.float64], colour: str) -> None:
    known = np.isfinite(values)
    if not known.any():
        panel.set_yticks([])
    elif values[known].max() > 3 * values[known].min() > 0:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter("{x:g}")
    panel.plot(
        epoch,
        np.where(known, values, np.nan),
        color=colour,
        linewidth=1.6,
        marker="o" if len(epoch) < 40 else None,
        markersize=3,
    )
    panel.grid(color=RULE, linewidth=0.6)
    panel.tick_params(labelsize=8, color=FAINT, which="both")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
