"""How far the memory of a scan reaches: which pixels of a map have a say in one pixel of the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import FAINT, INK, ORANGE, add_axes, add_text, new_figure

PROBES = 8
DECADES = 3  # the colours of the figure span so many powers of ten


@dataclass(frozen=True)
class Influence:
    """The say of every pixel of a map in one pixel of the result.

    Attributes:
        row, column: the pixel of the result.
        strength: (H, W) how strongly each input pixel moves it, 1 for the strongest.
    """

    row: int
    column: int
    strength: NDArray[np.float64]

    def radius(self, share: float) -> float:
        """Distance in pixels of the map within which that share of the whole influence lies."""
        rows, columns = np.indices(self.strength.shape)
        distance = np.hypot(rows - self.row, columns - self.column).ravel()
        nearest_first = np.argsort(distance, kind="stable")
        reached = np.cumsum(self.strength.ravel()[nearest_first])
        place = int(np.searchsorted(reached, share * reached[-1]))
        return float(distance[nearest_first[min(place, len(distance) - 1)]])


def measure_influence(layer: Callable[[Tensor], Tensor], x: Tensor, row: int, column: int) -> Influence:
    """Measure which input pixels matter to one output pixel of a layer.

    The strength of an input pixel is the Frobenius norm of the Jacobian of the output pixel's channels with
    respect to the input pixel's channels, estimated with 8 fixed random sign vectors (Hutchinson).

    Args:
        layer: maps (B, H, W, C) to (B, H, W, C'), the pictures of a batch independently of each other.
        x: (1, H, W, C), the map at which to measure.
        row, column: the output pixel.

    Raises:
        UsageError: the pixel is not on the map.
        DataError: the gradient is zero everywhere, or not finite.
    """
    _, height, width, _ = x.shape
    if not (0 <= row < height and 0 <= column < width):
        raise UsageError(f"pixel {row},{column} is not on the map of {height} x {width}")
    inputs = x.detach().expand(PROBES, -1, -1, -1).clone().requires_grad_()
    pixel = layer(inputs)[:, row, column]  # (PROBES, C')
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, pixel.shape, generator=generator).to(pixel) * 2 - 1
    (gradient,) = torch.autograd.grad((pixel * signs).sum(), inputs)
    strength = gradient.double().square().sum(-1).mean(0).sqrt().cpu().numpy()
    if not np.isfinite(strength).all() or not strength.any():
        raise DataError("the gradient is zero or not finite: this layer shows no influence")
    return Influence(row, column, strength / strength.max())


def influence_figure(picture: NDArray[np.uint8], found: Influence, title: str | None = None) -> Figure:
    """The picture with the pixel marked, and the influence on it in colours on a logarithmic scale.

    Args:
        picture: (H, W, 3) uint8 of any size; the map is stretched over it.
        found: from `measure_influence`.
        title: one line above the panels.
    """
    side, top = 288, 48 if title else 20
    figure = new_figure(2 * side + 30, top + side + 46)
    if title:
        add_text(figure, 10, 20, title, fontsize=10, fontweight="bold")
    height, width = found.strength.shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    norm = LogNorm(10.0**-DECADES, 1, clip=True)
    for number, name in enumerate(("picture and pixel", "influence on the pixel")):
        left = 10 + number * (side + 10)
        add_text(figure, left, top - 6, name, color=FAINT)
        panel = add_axes(figure, left, top, side, side)
        panel.set_axis_off()
        if number == 0:
            panel.imshow(Image.fromarray(picture).resize((side, side)), extent=extent, aspect="auto")
        else:
            panel.imshow(found.strength, cmap="inferno", norm=norm, extent=extent, aspect="auto")
        for size, colour in ((11, INK), (8, ORANGE)):
            panel.plot(found.column, found.row, "s", markersize=size, markerfacecolor="none", color=colour)
    bar = add_axes(figure, 20 + side, top + side + 8, side, 10)
    ticks = [10.0**-power for power in range(DECADES + 1)]
    scale = figure.colorbar(ScalarMappable(norm, "inferno"), cax=bar, orientation="horizontal", ticks=ticks)
    scale.ax.minorticks_off()
    scale.ax.set_xticklabels([f"{tick:g}" for tick in ticks])
    scale.ax.tick_params(labelsize=8, length=0, pad=3, colors=INK)
    scale.outline.set_visible(False)
    return figure
