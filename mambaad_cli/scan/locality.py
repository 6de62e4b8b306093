"""How well a visiting order keeps neighbours together: a state reaches only what came shortly before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mambaad_cli.scan.curves import curve

NEAR = 16
"""Steps within which two pixels count as near in the sequence."""


@dataclass(frozen=True)
class Locality:
    """Measures of one curve on one map.

    Attributes:
        mean_step: mean Euclidean distance on the map between successive pixels (0 for a single pixel).
        mean_distance: mean number of steps between two pixels that are neighbours (of 4) on the map.
        near_share: share of those pairs that are at most NEAR steps apart.
    """

    mean_step: float
    mean_distance: float
    near_share: float


def locality(method: str, height: int, width: int) -> Locality:
    """Measure the plain walk of `method` over a `height` x `width` map.

    Raises:
        UsageError: unknown method or empty map.
    """
    order = curve(method, height, width)
    row, column = np.divmod(order, width)
    steps = np.hypot(np.diff(row), np.diff(column))
    time = np.argsort(order).reshape(height, width)  # when each pixel is visited
    gaps = np.abs(np.concatenate([np.diff(time, axis=0).ravel(), np.diff(time, axis=1).ravel()]))
    if not gaps.size:  # a single pixel has no neighbours
        return Locality(0.0, 0.0, 1.0)
    return Locality(float(steps.mean()), float(gaps.mean()), float((gaps <= NEAR).mean()))
