"""The reference kernel against the recurrence written out pixel by pixel, and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mambaad_cli.errors import UsageError
from mambaad_cli.scan.kernels import hybrid_scan
from mambaad_cli.scan.kernels.reference import CHUNK
from mambaad_cli.scan.orders import scan_order


def inputs(batch=2, K=4, L=12, E=3, N=2, seed=0):
    """Random float64 arguments of hybrid_scan, without the order."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=rng, dtype=torch.float64)

    return {
        "u": normal(batch, L, E),
        "delta": normal(batch, K, L, E).exp() * 0.1,
        "A": -normal(K, E, N).exp(),
        "B": normal(batch, K, L, N),
        "C": normal(batch, K, L, N),
        "D": normal(K, E),
    }


def by_hand(u, delta, A, B, C, D, order):
    """The contract as loops over scalars in NumPy."""
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
def test_equals_the_recurrence_written_out(height, width, directions):
    arguments = inputs(K=directions, L=height * width)
    order = scan_order("hilbert", height, width, directions)
    y = hybrid_scan(**arguments, order=order, kernel="reference")
    torch.testing.assert_close(y, by_hand(**arguments, order=order), rtol=1e-12, atol=1e-12)


def test_gradients_are_those_of_finite_differences_across_chunks():
    order = scan_order("zigzag", 5, CHUNK // 4, 2)
    arguments = [x.requires_grad_() for x in inputs(batch=1, K=2, L=order.shape[1], E=1).values()]
    assert torch.autograd.gradcheck(
        lambda *x: hybrid_scan(*x, order=order, kernel="reference"), arguments, fast_mode=True
    )


def test_half_precision_is_computed_in_float32():
    arguments = {name: x.bfloat16() for name, x in inputs().items()}
    order = scan_order("scan", 3, 4, 4)
    y = hybrid_scan(**arguments, order=order, kernel="reference")
    exact = hybrid_scan(
        **{name: x.double() for name, x in arguments.items()}, order=order, kernel="reference"
    )
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, exact.bfloat16(), rtol=1e-2, atol=1e-6)


@pytest.mark.parametrize("name", ["u", "delta", "A", "B", "C", "D"])
def test_a_wrong_shape_is_named(name):
    arguments = inputs()
    arguments[name] = arguments[name][..., :1]
    with pytest.raises(UsageError, match="has shape"):
        hybrid_scan(**arguments, order=scan_order("scan", 3, 4, 4))


def test_an_empty_batch_is_refused():
    with pytest.raises(UsageError, match="none empty"):
        hybrid_scan(**inputs(batch=0), order=scan_order("scan", 3, 4, 4))


def test_an_order_that_repeats_a_pixel_is_refused():
    order = scan_order("scan", 3, 4, 4).copy()
    order[2, 5] = order[2, 6]
    with pytest.raises(UsageError, match="no permutation"):
        hybrid_scan(**inputs(), order=order)


def test_an_unknown_kernel_names_the_known_ones():
    with pytest.raises(UsageError, match="abacus") as error:
        hybrid_scan(**inputs(), order=scan_order("scan", 3, 4, 4), kernel="abacus")
    assert "reference" in error.value.hint
