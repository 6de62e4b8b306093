"""Five curves that visit every pixel of an H x W map once.

A curve is an array (L,), L = H * W: the raster index (row * W + column) of the pixel visited at each step.
On squares of a power of two the curves are those of the published MambaAD; all work for any H x W.
"""

from __future__ import annotations

from collections.abc import Callable

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
        row, column = _fold(0, 0, (0, width), (height, 0))
    else:
        row, column = _fold(0, 0, (height, 0), (0, width))
    return row * width + column


def _fold(row: int, column: int, long: tuple[int, int], short: tuple[int, int]) -> tuple[Curve, Curve]:
    """Visit the rectangle spanned by `long` and `short` from its corner (row, column) along `long`.

    `long` and `short` are (rows, columns) vectors parallel to the axes, signed, in pixels. The walk ends at
    the far end of `long`. A rectangle is folded into three parts, up the near side, along the far side and
    down again, which for squares of a power of two is the Hilbert curve; one much longer than wide is cut
    in two instead. Cutting at even lengths keeps each step on a neighbour: a diagonal step remains only where
    an odd long side meets an even short one.

    Returns:
        rows, columns: two (L,) arrays, the pixels in order of their visit.
    """
    length, breadth = abs(sum(long)), abs(sum(short))
    along, across = _unit(long), _unit(short)
    if breadth == 1:
        return _line(row, column, along, length)
    if length == 1:
        return _line(row, column, across, breadth)

    half_long = _half(long, keep_even=length > 2)
    half_short = _half(short, keep_even=breadth > 2)
    rest_long = _minus(long, half_long)
    if 2 * length > 3 * breadth:
        parts = [
            _fold(row, column, half_long, short),
            _fold(row + half_long[0], column + half_long[1], rest_long, short),
        ]
    else:
        far_row = row + long[0] - along[0] + half_short[0] - across[0]
        far_column = column + long[1] - along[1] + half_short[1] - across[1]
        parts = [
            _fold(row, column, half_short, half_long),
            _fold(row + half_short[0], column + half_short[1], long, _minus(short, half_short)),
            _fold(far_row, far_column, _minus((0, 0), half_short), _minus((0, 0), rest_long)),
        ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _line(row: int, column: int, step: tuple[int, int], length: int) -> tuple[Curve, Curve]:
    steps = np.arange(length, dtype=np.int64)
    return row + step[0] * steps, column + step[1] * steps


def _unit(vector: tuple[int, int]) -> tuple[int, int]:
    return int(np.sign(vector[0])), int(np.sign(vector[1]))


def _minus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] - b[0], a[1] - b[1]


def _half(vector: tuple[int, int], keep_even: bool) -> tuple[int, int]:
    """About half of a vector; of even length where `keep_even`."""
    length = abs(sum(vector)) // 2
    if keep_even:
        length += length % 2
    unit = _unit(vector)
    return unit[0] * length, unit[1] * length


CURVES: dict[str, Callable[[int, int], Curve]] = {
    "sweep": _sweep,
    "scan": _scan,
    "zorder": _zorder,
    "zigzag": _zigzag,
    "hilbert": _hilbert,
}
