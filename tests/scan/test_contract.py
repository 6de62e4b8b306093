"""What does not fit together is refused with an error that names it, by every kernel alike."""

from __future__ import annotations

import pytest
import torch

from mambaad_cli.errors import UsageError
from mambaad_cli.scan.kernels import hybrid_scan, low_rank_scan
from mambaad_cli.scan.orders import scan_order

ORDER = scan_order("scan", 3, 4, 4)
KERNELS = ["cpu", "reference"]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", ["u", "delta", "A", "B", "C", "D"])
def test_a_wrong_shape_is_an_error(kernel, name, scan_arguments):
    arguments = scan_arguments()
    arguments[name] = arguments[name][..., :1]
    with pytest.raises(UsageError, match="has shape"):
        hybrid_scan(**arguments, order=ORDER, kernel=kernel)


@pytest.mark.parametrize("name", ["u", "projected", "dt_weight", "dt_bias", "A", "D"])
def test_a_wrong_shape_of_the_low_rank_form_is_an_error(name, low_rank_arguments):
    arguments = low_rank_arguments()
    arguments[name] = arguments[name][..., :1]
    with pytest.raises(UsageError, match=r"has shape|expected R \+ 2 N"):
        low_rank_scan(**arguments, order=ORDER)


def test_a_missing_dimension_is_named(scan_arguments):
    arguments = scan_arguments()
    arguments["B"] = arguments["B"][0]
    with pytest.raises(UsageError, match=r"B has shape \(4, 12, 16\), expected \(b, K, L, N\)"):
        hybrid_scan(**arguments, order=ORDER)


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_empty_batch_is_refused(kernel, scan_arguments):
    with pytest.raises(UsageError, match="u is empty"):
        hybrid_scan(**scan_arguments(batch=0), order=ORDER, kernel=kernel)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("pixel", [-1, 0, 12, 2**31 - 1])
def test_an_order_that_is_no_permutation_is_refused(kernel, pixel, scan_arguments):
    order = ORDER.copy()
    order[2, 5] = pixel
    with pytest.raises(UsageError, match="no permutation of the 12 pixels"):
        hybrid_scan(**scan_arguments(), order=order, kernel=kernel)


def test_an_order_of_floats_is_refused(scan_arguments):
    with pytest.raises(UsageError, match="order has to hold integers"):
        hybrid_scan(**scan_arguments(), order=torch.tensor(ORDER).float())


def test_integer_pixels_are_refused(scan_arguments):
    arguments = scan_arguments()
    arguments["u"] = arguments["u"].int()
    with pytest.raises(UsageError, match="u has to hold floats"):
        hybrid_scan(**arguments, order=ORDER)


def test_arguments_on_two_devices_are_refused(scan_arguments):
    arguments = scan_arguments()
    arguments["C"] = arguments["C"].to("meta")
    with pytest.raises(UsageError, match="C is on meta, but u on cpu"):
        hybrid_scan(**arguments, order=ORDER)
