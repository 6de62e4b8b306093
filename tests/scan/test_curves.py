from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mambaad_cli.errors import UsageError
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.curves import CURVES, curve

PUBLISHED = np.load(Path(__file__).parent / "published_orders.npz")
size = st.integers(1, 40)
even = st.integers(1, 20).map(lambda n: 2 * n)


def jumps(order: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns moved at each step."""
    row, column = np.divmod(order, width)
    return np.abs(np.diff(row)), np.abs(np.diff(column))


def test_every_method_has_a_curve():
    assert tuple(CURVES) == METHODS


@pytest.mark.parametrize("case", PUBLISHED.files)
def test_squares_of_a_power_of_two_are_the_published_curves(case):
    method, side = case.split("_")
    np.testing.assert_array_equal(curve(method, int(side), int(side)), PUBLISHED[case])


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=60)
@given(height=size, width=size)
def test_every_pixel_is_visited_once(method, height, width):
    order = curve(method, height, width)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(height * width))


@pytest.mark.parametrize("method", ["hilbert", "scan"])
@settings(deadline=None, max_examples=60)
@given(height=size, width=size)
def test_hilbert_and_scan_step_to_one_of_eight_neighbours(method, height, width):
    rows, columns = jumps(curve(method, height, width), width)
    assert np.maximum(rows, columns).max(initial=0) <= 1


@pytest.mark.parametrize("method", ["hilbert", "scan"])
@settings(deadline=None, max_examples=60)
@given(height=even, width=even)
def test_on_even_sizes_hilbert_and_scan_step_to_one_of_four_neighbours(method, height, width):
    rows, columns = jumps(curve(method, height, width), width)
    assert (rows + columns == 1).all()


def test_hilbert_at_most_one_diagonal_step_where_parity_forces_it():
    for height, width in [(4, 7), (7, 4), (30, 41), (41, 30)]:
        rows, columns = jumps(curve("hilbert", height, width), width)
        assert (rows + columns == 2).sum() <= 1


@pytest.mark.parametrize(("height", "width"), [(0, 4), (4, 0), (-1, 3)])
def test_an_empty_map_is_refused(height, width):
    with pytest.raises(UsageError, match="nothing to scan"):
        curve("hilbert", height, width)


def test_an_unknown_method_names_the_known_ones():
    with pytest.raises(UsageError, match="peano") as error:
        curve("peano", 4, 4)
    assert "hilbert" in error.value.hint
