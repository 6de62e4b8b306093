"""The reference kernel against the recurrence written out number by number, and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mambaad_cli.scan.kernels import hybrid_scan
from mambaad_cli.scan.kernels.reference import CHUNK
from mambaad_cli.scan.orders import scan_order


def by_hand(u, delta, A, B, C, D, order):
    """The contract as loops over numbers in NumPy."""
    u, delta, A, B, C, D = (x.numpy() for x in (u, delta, A, B, C, D))
    y = np.zeros_like(u)
    for b, k, e, n in np.ndindex(u.shape[0], *A.shape):
        state = 0.0
        for p in order[k]:
            step = delta[b, k, p, e]
            state = np.exp(step * A[k, e, n]) * state + step * u[b, p, e] * B[b, k, p, n]
            y[b, p, e] += C[b, k, p, n] * state
    return torch.from_numpy(y + u * D.sum(0))


@pytest.mark.parametrize(("height", "width", "directions"), [(3, 4, 4), (1, 7, 2), (9, 15, 8)])
def test_equals_the_recurrence_written_out(height, width, directions, scan_arguments):
    arguments = scan_arguments(K=directions, L=height * width, E=3, N=2)
    arguments = {name: x.double() for name, x in arguments.items()}
    order = scan_order("hilbert", height, width, directions)
    y = hybrid_scan(**arguments, order=order, kernel="reference")
    torch.testing.assert_close(y, by_hand(**arguments, order=order), rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences_across_chunks(scan_arguments):
    order = scan_order("zigzag", 5, CHUNK // 4, 2)
    arguments = scan_arguments(batch=1, K=2, L=order.shape[1], E=1, N=2)
    leaves = [x.double().requires_grad_() for x in arguments.values()]
    assert torch.autograd.gradcheck(
        lambda *x: hybrid_scan(*x, order=order, kernel="reference"), leaves, fast_mode=True
    )


def test_half_precision_is_computed_in_float32(scan_arguments):
    arguments = {name: x.bfloat16() for name, x in scan_arguments().items()}
    order = scan_order("scan", 3, 4, 4)
    y = hybrid_scan(**arguments, order=order, kernel="reference")
    exact = hybrid_scan(**{name: x.double() for name, x in arguments.items()}, order=order)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, exact.bfloat16(), rtol=1e-2, atol=1e-6)
