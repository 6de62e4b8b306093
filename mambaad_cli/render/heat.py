"""Anomaly maps in colours: the same value has the same colour in every picture of a run.

Palette: matplotlib's "inferno" over the grey picture; its brightness grows with the value, so it reads in
grey print and with every form of colour blindness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHADES = 256


def _heat() -> ListedColormap:
    """Inferno that fades in: clear at the bottom of the scale, nearly opaque from its middle on."""
    colours = matplotlib.colormaps["inferno"](np.linspace(0.1, 1, SHADES))
    colours[:, 3] = 0.85 * np.clip(np.linspace(0, 2, SHADES), 0, 1)
    return ListedColormap(colours, name="mambaad-heat")


HEAT = _heat()
_TABLE = HEAT(np.arange(SHADES), bytes=True)  # looking colours up here is much faster than calling HEAT


def heat_over(
    image: Image.Image, anomaly_map: NDArray[np.floating[Any]], vmin: float, vmax: float
) -> Image.Image:
    """The anomaly map (h, w) in fixed colours over the picture in grey, in the picture's size.

    Args:
        image: the picture, of any mode.
        anomaly_map: resized to the picture.
        vmin, vmax: values of the first and the last colour; those beyond take the colours of the ends.
    """
    heat = Image.fromarray(np.ascontiguousarray(anomaly_map, dtype=np.float32))
    values = np.asarray(heat.resize(image.size, Image.Resampling.BILINEAR))
    shades = ((values - vmin) * (SHADES / (vmax - vmin))).clip(0, SHADES - 1).astype(np.uint8)
    colours = Image.fromarray(_TABLE[shades])
    return Image.alpha_composite(image.convert("L").convert("RGBA"), colours).convert("RGB")
