"""Arguments for the scan kernels, and a measure of their errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

Arguments = dict[str, Tensor]


@pytest.fixture(scope="session")
def scan_arguments() -> Callable[..., Arguments]:
    """Makes float32 arguments of hybrid_scan like those of a trained network, all but the order."""

    def make(batch=2, K=4, L=12, E=16, N=16, seed=0):
        rng = torch.Generator().manual_seed(seed)

        def normal(*shape):
            return torch.randn(*shape, generator=rng)

        return {
            "u": normal(batch, L, E),
            "delta": torch.nn.functional.softplus(normal(batch, K, L, E) - 3),
            "A": -torch.arange(1.0, N + 1) * normal(K, E, N).mul(0.3).exp(),
            "B": normal(batch, K, L, N),
            "C": normal(batch, K, L, N),
            "D": normal(K, E),
        }

    return make


@pytest.fixture(scope="session")
def low_rank_arguments() -> Callable[..., Arguments]:
    """Makes float32 arguments of low_rank_scan, all but the order."""

    def make(batch=2, K=4, L=12, E=16, N=16, R=3, seed=0):
        rng = torch.Generator().manual_seed(seed)

        def normal(*shape):
            return torch.randn(*shape, generator=rng)

        return {
            "u": normal(batch, L, E),
            "projected": normal(batch, L, K, R + 2 * N),
            "dt_weight": normal(K, E, R) * R**-0.5,
            "dt_bias": normal(K, E) - 4,
            "A": -torch.arange(1.0, N + 1) * normal(K, E, N).mul(0.3).exp(),
            "D": normal(K, E),
        }

    return make


@pytest.fixture(scope="session")
def relative_error() -> Callable[[Tensor, Tensor], float]:
    """The largest error as a fraction of the largest value."""
    return lambda actual, exact: ((actual - exact).abs().max() / exact.abs().max()).item()


@pytest.fixture(scope="session")
def gradients() -> Callable[..., list[Tensor]]:
    """Runs `scan` on leaves of a dtype: its output and the gradients of a fixed weighted sum of it."""

    def run(scan, arguments, dtype=torch.float32):
        leaves = {name: x.to(dtype).requires_grad_() for name, x in arguments.items()}
        y = scan(**leaves)
        weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
        return [y, *torch.autograd.grad(y, list(leaves.values()), weights)]

    return run
