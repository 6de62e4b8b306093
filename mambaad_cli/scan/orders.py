"""A curve under symmetric directions: the index table that tells a kernel what to read when."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mambaad_cli.errors import UsageError
from mambaad_cli.scan import DIRECTIONS
from mambaad_cli.scan.curves import curve

Index = NDArray[np.int64]

# How the map is turned before the curve walks over it, in the published order.
TURNS: tuple[Callable[[Index], Index], ...] = (
    lambda index: index,
    lambda index: index.T,
    lambda index: np.rot90(index),
    lambda index: np.rot90(index).T,
)


@lru_cache(maxsize=64)
def scan_order(method: str, height: int, width: int, directions: int = 8) -> NDArray[np.int32]:
    """The order in which each direction of `method` visits the pixels of a `height` x `width` map.

    The first half of the directions walks the curve over the map plain, transposed, rotated by 90 degrees
    (counter-clockwise) and rotated then transposed; the second half walks the same paths backwards.

    Args:
        method: one of `mambaad_cli.scan.METHODS`, or several joined by "+", which share the directions out
            among them (paper, table 5): "zigzag+hilbert" has four directions of each.
        height, width: size of the map in pixels.
        directions: K, one of 2, 4, 8.

    Returns:
        (K, L) int32, C-contiguous and read-only: direction k visits raster index [k, t] at step t.

    Raises:
        UsageError: unknown method, another number of directions, or an empty map.
    """
    if directions not in DIRECTIONS:
        raise UsageError(f"a scan has 2, 4 or 8 directions, not {directions}")
    if height < 1 or width < 1:
        raise UsageError(f"a map of {height} x {width} pixels has nothing to scan")
    methods = method.split("+")
    share, rest = divmod(directions, len(methods))
    if rest or share % 2:
        raise UsageError(f"{directions} directions cannot be shared by {len(methods)} scan methods")
    order = np.concatenate([_walks(name, height, width, share) for name in methods]).astype(np.int32)
    order.setflags(write=False)
    return order


def _walks(method: str, height: int, width: int, directions: int) -> Index:
    """The order (directions, L) of one method."""
    index = np.arange(height * width).reshape(height, width)
    turned = [turn(index) for turn in TURNS[: directions // 2]]
    forward = np.stack([image.ravel()[curve(method, *image.shape)] for image in turned])
    return np.concatenate([forward, forward[:, ::-1]])
