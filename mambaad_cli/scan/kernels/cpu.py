"""The hybrid scan on the CPU: the torch side of `cpu_loops`, which shares the work out among threads.

Torch sees one operator, `torch.ops.mambaad.cpu_scan`, with a gradient and a shape rule, so that autograd,
torch.compile and torch.export can carry it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mambaad_cli.scan.kernels import cpu_loops
from mambaad_cli.scan.kernels.checks import check_order
from mambaad_cli.scan.kernels.cpu_loops import PIECE, STRETCH
from mambaad_cli.scan.kernels.simd import LANES, LOG2_E
from mambaad_cli.scan.kernels.threads import on_threads


def hybrid_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """The contract of `mambaad_cli.scan.kernels.hybrid_scan` in float32; returns the dtype of u."""
    (batch, L, E), K = u.shape, A.shape[0]
    low, weight, bias = u.new_empty(batch, K, L, 0), u.new_empty(K, 0, E), u.new_empty(K, E)
    return _scan(u, delta, low, weight, bias, A, B, C, D, order)


def low_rank_scan(
    u: Tensor, projected: Tensor, dt_weight: Tensor, dt_bias: Tensor, A: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """The contract of `mambaad_cli.scan.kernels.low_rank_scan` in float32; returns the dtype of u.

    The step sizes are computed where they are used and never stored.
    """
    R, N = dt_weight.shape[2], A.shape[2]
    low, B, C = (x.transpose(1, 2) for x in projected.split_with_sizes([R, N, N], dim=-1))  # (batch, K, L, .)
    return _scan(u, u.new_empty(0, 0, 0, 0), low, dt_weight.transpose(1, 2), dt_bias, A, B, C, D, order)


def _scan(
    u: Tensor,
    delta: Tensor,
    low: Tensor,
    weight: Tensor,
    bias: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    order: Tensor,
) -> Tensor:
    """Bring the arguments into the form that `cpu_loops` reads: float32, whole vectors, contiguous."""
    rates = A.float().transpose(1, 2) * LOG2_E
    wide = [_whole_vectors(x.float()).contiguous() for x in (u, delta, weight, bias, rates, D)]
    narrow = [x.float() for x in (low, B, C)]
    keep = torch.is_grad_enabled() and any(x.requires_grad for x in (*wide, *narrow))
    u32, delta, weight, bias, rates, D = wide
    low, B, C = narrow
    y: Tensor = cpu_scan(u32, delta, low, weight, bias, rates, B, C, D, order.int().contiguous(), keep)[0]
    return y[..., : u.shape[2]].to(u.dtype)


def _whole_vectors(x: Tensor) -> Tensor:
    """Pad the channels, the last dimension, with zeros up to a multiple of LANES."""
    return F.pad(x, (0, -x.shape[-1] % LANES)) if x.shape[-1] % LANES else x


@torch.library.custom_op("mambaad::cpu_scan", mutates_args=(), device_types="cpu")
def cpu_scan(
    u: Tensor,
    delta: Tensor,
    low: Tensor,
    weight: Tensor,
    bias: Tensor,
    rates: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    order: Tensor,
    keep: bool,
) -> tuple[Tensor, Tensor]:
    """Run `cpu_loops.forward`; shapes as there. Returns y and the kept states (none unless `keep`)."""
    check_order(order)
    (batch, L, E), K = u.shape, rates.shape[0]
    groups = _groups(batch, E, K)
    y = u.new_empty(groups, batch, L, E)
    kept = u.new_empty(_kept_shape(u, rates, keep))
    _run(cpu_loops.forward, (u, delta, low, weight, bias, rates, B, C, D, order, y, kept), groups)
    return _sum(y), kept


@torch.library.custom_op("mambaad::cpu_scan_backward", mutates_args=(), device_types="cpu")
def cpu_scan_backward(
    u: Tensor,
    delta: Tensor,
    low: Tensor,
    weight: Tensor,
    bias: Tensor,
    rates: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    order: Tensor,
    kept: Tensor,
    grad_y: Tensor,
) -> list[Tensor]:
    """Run `cpu_loops.backward`: the gradients of the first nine arguments of `cpu_scan`."""
    (batch, L, E), K = u.shape, rates.shape[0]
    groups, pieces = _groups(batch, E, K), -(-E // PIECE)
    inputs = (u, delta, low, weight, bias, rates, B, C, D, order, kept, grad_y)

    def per_pixel(
        x: Tensor,
    ) -> Tensor:  # laid out as (pieces, batch, L, K, .), like a projection of all pixels
        return u.new_empty(pieces, batch, L, K, x.shape[3]).transpose(2, 3)

    def per_picture(x: Tensor) -> Tensor:
        return u.new_empty(batch, *x.shape)

    grads = (
        u.new_empty(groups, batch, L, E),
        torch.empty_like(delta),
        per_pixel(low),
        per_picture(weight),
        per_picture(bias),
        per_picture(rates),
        per_pixel(B),
        per_pixel(C),
        per_picture(D),
    )
    _run(cpu_loops.backward, (*inputs, *grads), groups)
    return [grad if grad is grads[1] else _sum(grad) for grad in grads]


@cpu_scan.register_fake
def _(u: Tensor, delta: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return torch.empty_like(u), u.new_empty(_kept_shape(u, rates=rest[3], keep=rest[-1]))


@cpu_scan_backward.register_fake
def _(*inputs: Tensor) -> list[Tensor]:
    def like_projection(x: Tensor) -> Tensor:
        return torch.empty_like(x.transpose(1, 2), memory_format=torch.contiguous_format).transpose(1, 2)

    return [like_projection(x) if i in (2, 6, 7) else torch.empty_like(x) for i, x in enumerate(inputs[:9])]


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*inputs[:10], output[1])


def _gradients(ctx: Any, grad_y: Tensor | None, grad_kept: Tensor | None) -> tuple[Tensor | None, ...]:
    if grad_y is None:
        return (None,) * 11
    return (*cpu_scan_backward(*ctx.saved_tensors, grad_y.contiguous()), None, None)


cpu_scan.register_autograd(_gradients, setup_context=_keep_inputs)


def _kept_shape(u: Tensor, rates: Tensor, keep: bool) -> tuple[int, ...]:
    (batch, L, E), (K, N, _) = u.shape, rates.shape
    return batch, K, -(-L // STRETCH) if keep else 0, N, E


def _sum(parts: Tensor) -> Tensor:
    """Add up what several tasks wrote apart: over the first dimension."""
    return parts[0] if parts.shape[0] == 1 else parts.sum(0)


def _groups(batch: int, E: int, K: int) -> int:
    """Into how many groups to split the directions, so that every thread finds a task."""
    groups, tasks = 1, batch * -(-E // PIECE)
    while tasks * groups < torch.get_num_threads() and K % (2 * groups) == 0:
        groups *= 2
    return groups


def _run(loops: Callable[..., None], tensors: tuple[Tensor, ...], groups: int) -> None:
    """Call `loops` once per task, on as many threads as torch uses."""
    arrays = [tensor.detach().numpy() for tensor in tensors]
    (batch, _, E), K = arrays[0].shape, arrays[5].shape[0]
    size = K // groups
    tasks = [
        (b, e, min(e + PIECE, E), group * size, (group + 1) * size, group)
        for b in range(batch)
        for e in range(0, E, PIECE)
        for group in range(groups)
    ]
    turn = itertools.count()

    def work() -> None:
        while (task := next(turn)) < len(tasks):
            loops(*arrays, *tasks[task])

    on_threads(work, min(torch.get_num_threads(), len(tasks)))
