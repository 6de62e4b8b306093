"""One contract, several engines: the hybrid scan over all directions at once.

Legend: batch; L pixels of a map in raster order; E inner channels; N state size; K directions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mambaad_cli import env
from mambaad_cli.errors import UsageError

KERNELS = ("reference", "cpu")
"""The engines. `cpu` is compiled by Numba on first use; `reference` is slow and runs everywhere."""


def hybrid_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    order: Tensor | NDArray[Any],
    kernel: str = "auto",
) -> Tensor:
    """Scan a map along K directions and add the results up, without moving a pixel.

    At step t, direction k visits pixel p = order[k, t]:

        h_k[t] = exp(delta[k, p] * A[k]) * h_k[t-1] + delta[k, p] * u[p] * B[k, p]        h_k[-1] = 0
        y[p]  += C[k, p] . h_k[t] + D[k] * u[p]

    Args:
        u: (batch, L, E) pixels, shared by all directions.
        delta: (batch, K, L, E) step sizes, after softplus.
        A: (K, E, N) negative decay rates.
        B, C: (batch, K, L, N) input and output weights of the state.
        D: (K, E) weight of the pixel itself.
        order: (K, L) integers, a permutation of range(L) per direction (`scan_order`).
        kernel: name of an engine; "auto" obeys MAMBAAD_SCAN_KERNEL, else takes the fastest that works.

    Returns:
        (batch, L, E) in the dtype of u; differentiable in every float input.

    Raises:
        UsageError: unknown kernel, or arguments that do not fit together.
    """
    if not isinstance(order, Tensor):
        order = torch.tensor(order)
    _check(u, delta, A, B, C, D, order)
    scan = _engine(kernel, u)
    return scan(u, delta, A, B, C, D, order)


def _engine(kernel: str, u: Tensor) -> Callable[..., Tensor]:
    """The hybrid_scan of the kernel that is asked for, or of the fastest that can take u."""
    name = kernel if kernel != "auto" else env.SCAN_KERNEL.get()
    fits_cpu = u.device.type == "cpu" and u.dtype != torch.float64
    if name == "auto":
        name = "cpu" if fits_cpu else "reference"
    if name not in KERNELS:
        raise UsageError(f"unknown scan kernel {name!r}", f"choose one of: auto, {', '.join(KERNELS)}")
    if name == "reference":
        from mambaad_cli.scan.kernels import reference

        return reference.hybrid_scan
    if not fits_cpu:
        raise UsageError(f"the scan kernel 'cpu' computes in float32 on the CPU, not {u.dtype} on {u.device}")
    from mambaad_cli.scan.kernels import cpu

    return cpu.hybrid_scan


def _check(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor) -> None:
    """Raise UsageError unless the shapes follow the contract."""
    if u.dim() != 3 or A.dim() != 3 or 0 in u.shape:
        shapes = f"{_sizes(u)} and {_sizes(A)}"
        raise UsageError(f"hybrid_scan: u has to be (batch, L, E) and A (K, E, N), none empty, not {shapes}")
    (batch, L, E), (K, _, N) = u.shape, A.shape
    expected = {
        "delta": (delta, (batch, K, L, E)),
        "A": (A, (K, E, N)),
        "B": (B, (batch, K, L, N)),
        "C": (C, (batch, K, L, N)),
        "D": (D, (K, E)),
        "order": (order, (K, L)),
    }
    for name, (tensor, shape) in expected.items():
        if tensor.shape != shape:
            raise UsageError(f"hybrid_scan: {name} has shape {_sizes(tensor)}, expected {shape}")
    if not torch.equal(
        order.sort(dim=1).values, torch.arange(L, device=order.device).expand(K, L).to(order.dtype)
    ):
        raise UsageError("hybrid_scan: a row of order is no permutation of the pixels")


def _sizes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)
