"""The hybrid scan in plain torch: slow and obvious, on any device, the truth in tests of the others."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mambaad_cli.scan.kernels.checks import check_order

CHUNK = 64
"""Steps whose intermediate results are held at once; the backward pass recomputes one chunk at a time."""


def hybrid_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """Gather the pixels into K sequences, run the recurrence over each, put the results back and add them up.

    Memory beyond the inputs is O(batch K L (E + N) + batch K CHUNK E N). Computes in float64 for float64
    inputs, else in float32; returns the dtype of u.
    """
    if not torch.compiler.is_compiling():
        check_order(order)
    dtype = torch.float64 if u.dtype == torch.float64 else torch.float32
    batch, L, E = u.shape
    K, _, N = A.shape
    order = order.long()

    def gather(x: Tensor) -> Tensor:
        """(batch, K, L, features) in raster order -> the same in visiting order."""
        return x.to(dtype).gather(2, order[None, :, :, None].expand(batch, K, L, x.shape[-1]))

    u_seq = gather(u[:, None].expand(batch, K, L, E))
    delta_seq, B_seq, C_seq = gather(delta), gather(B), gather(C)
    A, D = A.to(dtype), D.to(dtype)

    state = u_seq.new_zeros(batch, K, E, N)
    chunks = []
    for inputs in zip(*(torch.split(x, CHUNK, dim=2) for x in (u_seq, delta_seq, B_seq, C_seq)), strict=True):
        if torch.is_grad_enabled():
            state, y_part = checkpoint(_recur, state, A, *inputs, use_reentrant=False)
        else:
            state, y_part = _recur(state, A, *inputs)
        chunks.append(y_part)
    y_seq = torch.cat(chunks, dim=2) + u_seq * D[:, None]  # (batch, K, L, E)

    raster = order.argsort(dim=1)[None, :, :, None].expand(batch, K, L, E)
    return y_seq.gather(2, raster).sum(dim=1).to(u.dtype)


def _recur(state: Tensor, A: Tensor, u: Tensor, delta: Tensor, B: Tensor, C: Tensor) -> tuple[Tensor, Tensor]:
    """A run of steps from `state` (batch, K, E, N): the last state and the outputs (batch, K, steps, E)."""
    outputs = []
    for u_t, delta_t, B_t, C_t in zip(*(x.unbind(2) for x in (u, delta, B, C)), strict=True):
        state = torch.exp(delta_t[..., None] * A) * state + (delta_t * u_t)[..., None] * B_t[:, :, None, :]
        outputs.append((state * C_t[:, :, None, :]).sum(-1))
    return state, torch.stack(outputs, dim=2)
