"""The cpu kernel against the reference in float64: outputs, gradients, determinism."""

from __future__ import annotations

import pytest
import torch

from mambaad_cli.errors import UsageError
from mambaad_cli.scan import DIRECTIONS, METHODS
from mambaad_cli.scan.kernels import hybrid_scan
from mambaad_cli.scan.orders import scan_order


def inputs(batch, K, L, E, N=16, seed=0):
    """Random float32 arguments of hybrid_scan like those of a trained network, without the order."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=rng)

    step = torch.nn.functional.softplus(normal(batch, K, L, E) - 3)
    A = -torch.arange(1.0, N + 1) * normal(K, E, N).mul(0.3).exp()
    return [normal(batch, L, E), step, A, normal(batch, K, L, N), normal(batch, K, L, N), normal(K, E)]


def relative_error(actual, expected):
    """Largest error against the largest value."""
    return ((actual - expected).abs().max() / expected.abs().max()).item()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize(("height", "width", "E", "N"), [(8, 8, 80, 16), (5, 7, 24, 5)])
def test_output_and_gradients_equal_the_float64_reference(method, directions, height, width, E, N):
    order = scan_order(method, height, width, directions)
    arguments = inputs(2, directions, height * width, E, N)
    single = [x.clone().requires_grad_() for x in arguments]
    double = [x.double().requires_grad_() for x in arguments]

    y = hybrid_scan(*single, order=order, kernel="cpu")
    exact = hybrid_scan(*double, order=order, kernel="reference")
    assert relative_error(y, exact) < 2e-6

    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    actual = torch.autograd.grad(y, single, weights)
    expected = torch.autograd.grad(exact, double, weights.double())
    names = ("u", "delta", "A", "B", "C", "D")
    errors = {name: relative_error(*pair) for name, *pair in zip(names, actual, expected, strict=True)}
    assert max(errors.values()) < 5e-6, errors


@pytest.mark.parametrize("threads", [1, 3])
def test_result_is_the_same_whatever_the_threads(threads):
    order = scan_order("hilbert", 8, 8, 8)
    arguments = [x.requires_grad_() for x in inputs(3, 8, 64, 192)]

    def run():
        y = hybrid_scan(*arguments, order=order, kernel="cpu")
        return [y, *torch.autograd.grad(y.square().sum(), arguments)]

    before = torch.get_num_threads()
    first = run()
    try:
        torch.set_num_threads(threads)
        second = run()
    finally:
        torch.set_num_threads(before)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


def test_strided_inputs_give_the_same_as_contiguous_ones():
    order = scan_order("scan", 4, 6, 4)
    u, delta, A, B, C, D = inputs(2, 4, 24, 32)
    joined = torch.cat([B, C], dim=-1).permute(0, 2, 1, 3).contiguous()  # (batch, L, K, 2 N)
    B_view, C_view = joined.permute(0, 2, 1, 3).split(16, dim=-1)
    expected = hybrid_scan(u, delta, A, B, C, D, order, kernel="cpu")
    turned = u.transpose(1, 2).contiguous().transpose(1, 2)
    assert torch.equal(hybrid_scan(turned, delta, A, B_view, C_view, D, order, kernel="cpu"), expected)


def test_auto_takes_the_cpu_kernel_in_float32_and_the_reference_in_float64():
    order = scan_order("hilbert", 4, 4, 2)
    arguments = inputs(1, 2, 16, 16)
    automatic = hybrid_scan(*arguments, order=order)
    assert torch.equal(automatic, hybrid_scan(*arguments, order=order, kernel="cpu"))
    double = [x.double() for x in arguments]
    automatic = hybrid_scan(*double, order=order)
    assert torch.equal(automatic, hybrid_scan(*double, order=order, kernel="reference"))


def test_the_environment_forces_a_kernel(monkeypatch):
    monkeypatch.setenv("MAMBAAD_SCAN_KERNEL", "reference")
    order = scan_order("hilbert", 4, 4, 2)
    arguments = inputs(1, 2, 16, 16)
    assert torch.equal(
        hybrid_scan(*arguments, order=order), hybrid_scan(*arguments, order=order, kernel="reference")
    )


def test_forcing_the_cpu_kernel_on_float64_is_an_error():
    with pytest.raises(UsageError, match="float32"):
        hybrid_scan(
            *[x.double() for x in inputs(1, 2, 16, 16)], order=scan_order("scan", 4, 4, 2), kernel="cpu"
        )
