from __future__ import annotations

import numpy as np
import pytest
import torch

from mambaad_cli.errors import UsageError
from mambaad_cli.scan import DIRECTIONS, METHODS
from mambaad_cli.scan.curves import curve
from mambaad_cli.scan.orders import scan_order


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 7), (6, 3), (1, 4)])
def test_each_direction_visits_every_pixel_once(method, directions, height, width):
    order = scan_order(method, height, width, directions)
    assert order.shape == (directions, height * width)
    assert order.dtype == np.int32
    assert order.flags.c_contiguous
    assert (np.sort(order, axis=1) == np.arange(height * width)).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (5, 7)])
def test_directions_walk_the_curve_over_the_turned_map_as_torch_turns_it(method, height, width):
    image = torch.arange(height * width).reshape(height, width)
    turned = [image, image.T, torch.rot90(image), torch.rot90(image).T]
    forward = [t.flatten().numpy()[curve(method, *t.shape)] for t in turned]
    expected = forward + [sequence[::-1] for sequence in forward]
    np.testing.assert_array_equal(scan_order(method, height, width, 8), expected)


def test_fewer_directions_are_the_first_ones_and_their_reverses():
    eight = scan_order("hilbert", 8, 8, 8)
    np.testing.assert_array_equal(scan_order("hilbert", 8, 8, 4), eight[[0, 1, 4, 5]])
    np.testing.assert_array_equal(scan_order("hilbert", 8, 8, 2), eight[[0, 4]])


def test_the_table_is_cached_and_protected():
    order = scan_order("zorder", 8, 8)
    assert order is scan_order("zorder", 8, 8)
    with pytest.raises(ValueError, match="read-only"):
        order[0, 0] = 1


@pytest.mark.parametrize("directions", [0, 1, 3, 16])
def test_other_numbers_of_directions_are_refused(directions):
    with pytest.raises(UsageError, match="2, 4 or 8"):
        scan_order("hilbert", 8, 8, directions)
