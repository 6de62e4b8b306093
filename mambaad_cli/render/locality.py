"""How well a walk keeps neighbours together: is what is close on the map also close in the sequence?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mambaad_cli.scan.curves import curve

NEAR = 16  # steps: as many as the state of a channel has numbers


@dataclass(frozen=True)
class Locality:
    """Locality of one walk.

    Attributes:
        mean_step: distance on the map between successive pixels, in pixels; 0 on a map of one pixel.
        mean_distance: steps between two pixels that share a side, over all such pairs; 0 if there is none.
        near_share: share of those pairs with at most 16 steps between them; 1 if there is none.
    """

    mean_step: float
    mean_distance: float
    near_share: float


def locality(method: str, height: int, width: int) -> Locality:
    """Locality of the plain walk of `method` over a `height` x `width` map.

    Raises:
        UsageError: unknown method or empty map.
    """
    path = curve(method, height, width)
    rows, columns = np.divmod(path, width)
    steps = np.hypot(np.diff(rows), np.diff(columns))
    time = np.empty_like(path)
    time[path] = np.arange(len(path))
    time = time.reshape(height, width)
    apart = np.abs(np.concatenate([np.diff(time, axis=axis).ravel() for axis in (0, 1)]))
    if not len(apart):
        return Locality(0.0, 0.0, 1.0)
    return Locality(float(steps.mean()), float(apart.mean()), float((apart <= NEAR).mean()))
