from __future__ import annotations

import pytest

from mambaad_cli.errors import UsageError
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.locality import Locality, locality


def test_raster_order_by_formula():
    # 32 x 32: 31 of 1023 steps jump back over the row; left-right pairs are 1 step apart, up-down pairs 32.
    jump = (1 + 31**2) ** 0.5
    assert locality("sweep", 32, 32) == Locality(
        mean_step=pytest.approx((992 + 31 * jump) / 1023), mean_distance=16.5, near_share=0.5
    )


def test_serpentine_by_hand():
    # 0 1 2
    # 5 4 3     pairs: 1 1 1 1 along the rows, 5 3 1 down the columns
    assert locality("scan", 2, 3) == Locality(1.0, pytest.approx(13 / 7), 1.0)


def test_hilbert_keeps_more_neighbours_near_than_any_other_curve():
    shares = {method: locality(method, 64, 64).near_share for method in METHODS}
    assert max(shares, key=shares.__getitem__) == "hilbert"
    assert locality("hilbert", 64, 64).mean_step == 1.0


def test_a_single_pixel():
    assert locality("hilbert", 1, 1) == Locality(0.0, 0.0, 1.0)


def test_an_empty_map_is_refused():
    with pytest.raises(UsageError):
        locality("hilbert", 0, 8)
