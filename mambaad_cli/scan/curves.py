"""Five curves that visit every pixel of an H x W map once.

A curve is an array (L,), L = H * W: the raster index (row * W + column) of the pixel visited at each step.
On squares of a power of two the curves are those of the published MambaAD; all work for any H x W.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mambaad_cli.errors import UsageError

Curve = NDArray[np.int64]


def curve(method: str, height: int, width: int) -> Curve:
    """The visiting order of `method` on a `height` x `width` map.

    Args:
        method: one of `mambaad_cli.scan.METHODS`.
        height, width: size of the map in pixels, at least 1.

    Returns:
        (L,) int64, a permutation of range(L): the raster index of the pixel visited at each step.

    Raises:
        UsageError: the method is unknown or the map is empty.
    """
    if method not in CURVES:
        raise UsageError(f"unknown scan method {method!r}", f"choose one of: {', '.join(CURVES)}")
    if height < 1 or width < 1:
        raise UsageError(f"a map of {height} x {width} pixels has nothing to scan")
    return CURVES[method](height, width)


def _sweep(height: int, width: int) -> Curve:
    """Row by row, always from the left: the raster order itself."""
    return np.arange(height * width, dtype=np.int64)


def _scan(height: int, width: int) -> Curve:
    """Row by row, every second row backwards, so that each step goes to a neighbour."""
    index = _sweep(height, width).reshape(height, width)
    index[1::2] = index[1::2, ::-1].copy()
    return index.ravel()


def _zorder(height: int, width: int) -> Curve:
    """Quadrant by quadrant (Morton): sorted by the interleaved bits of row and column, column lowest."""
    row, column = np.divmod(_sweep(height, width), width)
    key = np.zeros_like(row)
    for bit in range(max(height, width).bit_length()):
        key |= (column >> bit & 1) << 2 * bit
        key |= (row >> bit & 1) << 2 * bit + 1
    return np.argsort(key)


def _zigzag(height: int, width: int) -> Curve:
    """Anti-diagonal by anti-diagonal: odd ones run down to the left, even ones up to the right."""
    row, column = np.divmod(_sweep(height, width), width)
    diagonal = row + column
    return np.lexsort((np.where(diagonal % 2 == 1, row, column), diagonal))


def _hilbert(height: int, width: int) -> Curve:
    """The Hilbert curve, generalised to rectangles of any size (see `_fold`)."""
    if width >= height:
        column, row = _fold(width, height)
    else:
        row, column = _fold(height, width)
    return row * width + column


@lru_cache(maxsize=256)
def _fold(length: int, breadth: int) -> tuple[Curve, Curve]:
    """A walk over a `length` x `breadth` rectangle from (0, 0) to the far end of its length.

    The rectangle is folded into three parts, up the near side, along the far side and down again, which for
    squares of a power of two is the Hilbert curve; one much longer than broad is cut in two instead. Cutting
    at even places keeps each step on a neighbour: a diagonal step remains only where an odd length meets an
    even breadth.

    Returns:
        x, y: two (length * breadth,) arrays, along the length and along the breadth.
    """
    if breadth == 1 or length == 1:
        line, still = np.arange(max(length, breadth)), np.zeros(max(length, breadth), dtype=np.int64)
        return (line, still) if breadth == 1 else (still, line)
    middle, half = _even_half(length), _even_half(breadth)
    if 2 * length > 3 * breadth:
        near, far = _fold(middle, breadth), _fold(length - middle, breadth)
        return np.concatenate([near[0], middle + far[0]]), np.concatenate([near[1], far[1]])
    up, along, down = _fold(half, middle), _fold(length, breadth - half), _fold(half, length - middle)
    x = np.concatenate([up[1], along[0], length - 1 - down[1]])
    y = np.concatenate([up[0], half + along[1], half - 1 - down[0]])
    return x, y


def _even_half(size: int) -> int:
    """About half of `size`, an even number unless `size` is 2."""
    half = size // 2
    return half + half % 2 if size > 2 else half


CURVES: dict[str, Callable[[int, int], Curve]] = {
    "sweep": _sweep,
    "scan": _scan,
    "zorder": _zorder,
    "zigzag": _zigzag,
    "hilbert": _hilbert,
}
