"""The hybrid scan by the CUDA kernel of mamba-ssm, where that is installed.

Its kernel knows one sequence per channel, so each direction becomes a group of channels with pixels in
visiting order. That is the memory traffic which the other engines avoid; the kernel itself is fast.
"""

from __future__ import annotations

import importlib

from torch import Tensor

from mambaad_cli.scan.kernels.checks import check_order


def hybrid_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """The contract of `mambaad_cli.scan.kernels.hybrid_scan` in float32; returns the dtype of u."""
    check_order(order)
    scan = importlib.import_module("mamba_ssm.ops.selective_scan_interface").selective_scan_fn
    (batch, L, E), K = u.shape, A.shape[0]
    order = order.long()

    def sequences(x: Tensor) -> Tensor:
        """(batch, K, L, features) in raster order -> (batch, K, features, L) in visiting order."""
        index = order[None, :, :, None].expand(batch, K, L, x.shape[-1])
        return x.float().gather(2, index).transpose(2, 3).contiguous()

    y: Tensor = scan(
        sequences(u[:, None].expand(batch, K, L, E)).flatten(1, 2),
        sequences(delta).flatten(1, 2),
        A.float().flatten(0, 1),
        sequences(B),
        sequences(C),
        D.float().flatten(),
    )
    raster = order.argsort(dim=1)[None, :, None, :].expand(batch, K, E, L)
    return y.view(batch, K, E, L).gather(3, raster).sum(dim=1).transpose(1, 2).to(u.dtype)
