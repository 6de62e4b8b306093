"""One contract, several engines: the hybrid scan over all directions at once.

Legend: batch; L pixels of a map in raster order; E inner channels; N state size; K directions; R rank.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mambaad_cli.errors import UsageError
from mambaad_cli.scan.kernels.checks import check_arguments
from mambaad_cli.scan.kernels.selection import PROBES, Kernel, available_kernels, choose

__all__ = ["KERNELS", "Kernel", "available_kernels", "hybrid_scan", "low_rank_scan"]

KERNELS = tuple(PROBES)
"""The names of the engines."""


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
        DeviceError: the kernel cannot run on this machine or this device.
    """
    order = torch.as_tensor(order.copy()) if not isinstance(order, Tensor) else order
    check_arguments(
        {"u": u, "delta": delta, "A": A, "B": B, "C": C, "D": D, "order": order},
        {"u": "b L E", "delta": "b K L E", "A": "K E N", "B": "b K L N", "C": "b K L N", "D": "K E"},
    )
    y: Tensor = _engine(kernel, u).hybrid_scan(u, delta, A, B, C, D, order)
    return y


def low_rank_scan(
    u: Tensor,
    projected: Tensor,
    dt_weight: Tensor,
    dt_bias: Tensor,
    A: Tensor,
    D: Tensor,
    order: Tensor | NDArray[Any],
    kernel: str = "auto",
) -> Tensor:
    """`hybrid_scan` from one projection of the pixels, as an HSS block has it.

        low, B, C = projected[..., :R], projected[..., R:R+N], projected[..., R+N:]
        delta = softplus(low @ dt_weight.T + dt_bias)

    The cpu kernel computes delta where it is needed and never stores it.

    Args:
        u: (batch, L, E) pixels.
        projected: (batch, L, K, R + 2 N), for each pixel and direction the factors of delta, then B, then C.
        dt_weight: (K, E, R); dt_bias: (K, E).
        A: (K, E, N); D: (K, E); order: (K, L); kernel: as for `hybrid_scan`.

    Returns:
        (batch, L, E) in the dtype of u; differentiable in every float input.

    Raises:
        UsageError, DeviceError: as for `hybrid_scan`.
    """
    order = torch.as_tensor(order.copy()) if not isinstance(order, Tensor) else order
    check_arguments(
        {
            "u": u,
            "projected": projected,
            "dt_weight": dt_weight,
            "dt_bias": dt_bias,
            "A": A,
            "D": D,
            "order": order,
        },
        {
            "u": "b L E",
            "projected": "b L K M",
            "dt_weight": "K E R",
            "dt_bias": "K E",
            "A": "K E N",
            "D": "K E",
        },
    )
    R, N = dt_weight.shape[2], A.shape[2]
    if projected.shape[3] != R + 2 * N:
        raise UsageError(f"scan: projected has {projected.shape[3]} features, expected R + 2 N = {R + 2 * N}")
    engine = _engine(kernel, u)
    if hasattr(engine, "low_rank_scan"):
        y: Tensor = engine.low_rank_scan(u, projected, dt_weight, dt_bias, A, D, order)
        return y
    low, B, C = (x.transpose(1, 2) for x in projected.split_with_sizes([R, N, N], dim=-1))  # (batch, K, L, .)
    with torch.autocast(u.device.type, enabled=False):
        delta = F.softplus(low.to(dt_weight.dtype) @ dt_weight.transpose(1, 2) + dt_bias[:, None])
    return hybrid_scan(u, delta, A, B, C, D, order, kernel)


def _engine(kernel: str, u: Tensor) -> ModuleType:
    """The module of the kernel for u, imported on first use."""
    name = choose(kernel, u.device, u.dtype)
    if name == "cpu":
        from mambaad_cli.scan.kernels import cpu

        return cpu
    if name == "triton":
        from mambaad_cli.scan.kernels import triton_scan

        return triton_scan
    if name == "mamba-ssm":
        from mambaad_cli.scan.kernels import mamba_scan

        return mamba_scan
    from mambaad_cli.scan.kernels import reference

    return reference
