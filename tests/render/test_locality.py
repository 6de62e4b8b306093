"""Locality against a slow count over all pairs, and against what is known of row-wise walks."""

import math
from itertools import pairwise

import pytest

from mambaad_cli.errors import UsageError
from mambaad_cli.render.locality import Locality, locality
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.curves import curve


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(8, 8), (5, 7), (1, 20), (32, 3)])
def test_equals_a_count_pair_by_pair(method: str, size: tuple[int, int]) -> None:
    height, width = size
    path = [divmod(int(index), width) for index in curve(method, height, width)]
    time = {pixel: step for step, pixel in enumerate(path)}
    apart = [
        abs(time[row, column] - time[other])
        for row, column in path
        for other in ((row + 1, column), (row, column + 1))
        if other in time
    ]
    steps = [math.dist(a, b) for a, b in pairwise(path)]
    found = locality(method, height, width)
    assert found.mean_step == pytest.approx(sum(steps) / len(steps))
    assert found.mean_distance == pytest.approx(sum(apart) / len(apart))
    assert found.near_share == pytest.approx(sum(each <= 16 for each in apart) / len(apart))


def test_rows_of_a_wide_map() -> None:
    """On 64 x 64, sweep puts a pixel 1 step from its neighbour in the row and 64 from the one below."""
    assert locality("sweep", 64, 64).mean_distance == 32.5
    assert locality("sweep", 64, 64).near_share == 0.5
    assert locality("scan", 64, 64).mean_step == 1
    assert locality("hilbert", 64, 64).mean_step == 1


def test_hilbert_keeps_its_neighbours_on_any_map() -> None:
    for side in (32, 64, 128):
        assert locality("hilbert", side, side).near_share > 0.8
        others = [locality(method, side, side).near_share for method in ("sweep", "scan", "zigzag")]
        assert max(others) < 0.65


def test_a_map_of_one_pixel() -> None:
    assert locality("hilbert", 1, 1) == Locality(0, 0, 1)


def test_unknown_method() -> None:
    with pytest.raises(UsageError, match="unknown scan method"):
        locality("spiral", 4, 4)
