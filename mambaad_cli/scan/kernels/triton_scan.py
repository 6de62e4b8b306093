"""The hybrid scan on a GPU, written in Triton: nothing has to be compiled beforehand.

A program runs one picture, one direction and CHANNELS channels. It takes the steps in chunks of STEPS: the
pixels of a chunk are loaded at once through `order`, the recurrence inside a chunk is an associative scan in
registers, and the state goes from chunk to chunk. The forward pass keeps the state before each chunk; the
backward pass walks from the last chunk to the first and recomputes the states inside.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, import-untyped"
# Triton compiles the kernels: for a type checker there is nothing in them.

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from mambaad_cli.scan.kernels.checks import check_order

STEPS = 16
CHANNELS = 4


@triton.jit
def _compose(decay_1, gain_1, decay_2, gain_2):
    """Two steps h -> decay * h + gain as one."""
    return decay_1 * decay_2, decay_2 * gain_1 + gain_2


@triton.jit
def _row(values, steps, wanted):
    """values[wanted] of a chunk (STEPS, CHANNELS, N)."""
    return tl.sum(tl.where((steps == wanted)[:, None, None], values, 0.0), axis=0)


@triton.jit
def _forward(
    u, delta, A, B, C, D, order, ys, kept, L, E, K, N, chunks,
    KEEP: tl.constexpr, STEPS: tl.constexpr, CHANNELS: tl.constexpr, STATES: tl.constexpr,
):  # fmt: skip
    """Write y of each direction to ys (batch, K, L, E) and the state before each chunk to `kept`."""
    e = tl.program_id(0) * CHANNELS + tl.arange(0, CHANNELS)
    k, b = tl.program_id(1), tl.program_id(2).to(tl.int64)
    n, steps = tl.arange(0, STATES), tl.arange(0, STEPS)
    sequence = b * K + k
    in_e, in_n = e < E, n < N
    in_state = in_e[:, None] & in_n[None, :]
    rate = tl.load(A + (k * E + e[:, None]) * N + n[None, :], mask=in_state, other=0.0).to(tl.float32)
    skip = tl.load(D + k * E + e, mask=in_e, other=0.0).to(tl.float32)
    state = tl.zeros((CHANNELS, STATES), tl.float32)
    for chunk in range(chunks):
        t = chunk * STEPS + steps
        in_t = t < L
        p = tl.load(order + k * L + t, mask=in_t, other=0).to(tl.int64)
        in_pixel, in_weight = in_t[:, None] & in_e[None, :], in_t[:, None] & in_n[None, :]
        at, along = sequence * L + p, e[None, :]
        pixel = tl.load(u + (b * L + p)[:, None] * E + along, mask=in_pixel, other=0.0).to(tl.float32)
        step = tl.load(delta + at[:, None] * E + along, mask=in_pixel, other=0.0).to(tl.float32)
        b_in = tl.load(B + at[:, None] * N + n[None, :], mask=in_weight, other=0.0).to(tl.float32)
        c_out = tl.load(C + at[:, None] * N + n[None, :], mask=in_weight, other=0.0).to(tl.float32)
        if KEEP:
            place = ((sequence * chunks + chunk) * E + e[:, None]) * N + n[None, :]
            tl.store(kept + place, state, mask=in_state)
        decay = tl.exp(step[:, :, None] * rate[None, :, :])
        gain = (step * pixel)[:, :, None] * b_in[:, None, :]
        total_decay, total_gain = tl.associative_scan((decay, gain), 0, _compose)
        h = total_decay * state[None, :, :] + total_gain
        y = tl.sum(h * c_out[:, None, :], axis=2) + skip[None, :] * pixel
        tl.store(ys + at[:, None] * E + along, y, mask=in_pixel)
        state = _row(h, steps, STEPS - 1)


@triton.jit
def _backward(
    u, delta, A, B, C, D, order, kept, grad_y,
    grad_us, grad_delta, grad_As, grad_Bs, grad_Cs, grad_Ds, L, E, K, N, chunks,
    STEPS: tl.constexpr, CHANNELS: tl.constexpr, STATES: tl.constexpr,
):  # fmt: skip
    """Gradients of each picture, direction and block of channels; the caller adds up what overlaps.

    grad_us (batch, K, L, E), grad_As (batch, K, E, N), grad_Ds (batch, K, E), and for each block of channels
    grad_Bs, grad_Cs (blocks, batch, K, L, N).
    """
    block = tl.program_id(0)
    e = block * CHANNELS + tl.arange(0, CHANNELS)
    k, b = tl.program_id(1), tl.program_id(2).to(tl.int64)
    n, steps = tl.arange(0, STATES), tl.arange(0, STEPS)
    sequence = b * K + k
    in_e, in_n = e < E, n < N
    in_state = in_e[:, None] & in_n[None, :]
    rate = tl.load(A + (k * E + e[:, None]) * N + n[None, :], mask=in_state, other=0.0).to(tl.float32)
    skip = tl.load(D + k * E + e, mask=in_e, other=0.0).to(tl.float32)
    grad_rate = tl.zeros((CHANNELS, STATES), tl.float32)
    grad_skip = tl.zeros((CHANNELS,), tl.float32)
    carry = tl.zeros((CHANNELS, STATES), tl.float32)  # gradient of the state after the chunk
    blocks_of = tl.num_programs(2).to(tl.int64) * K * L  # rows of B in one block of channels
    for reverse in range(chunks):
        chunk = chunks - 1 - reverse
        t = chunk * STEPS + steps
        in_t = t < L
        p = tl.load(order + k * L + t, mask=in_t, other=0).to(tl.int64)
        in_pixel, in_weight = in_t[:, None] & in_e[None, :], in_t[:, None] & in_n[None, :]
        at, along = sequence * L + p, e[None, :]
        pixel = tl.load(u + (b * L + p)[:, None] * E + along, mask=in_pixel, other=0.0).to(tl.float32)
        dy = tl.load(grad_y + (b * L + p)[:, None] * E + along, mask=in_pixel, other=0.0).to(tl.float32)
        step = tl.load(delta + at[:, None] * E + along, mask=in_pixel, other=0.0).to(tl.float32)
        b_in = tl.load(B + at[:, None] * N + n[None, :], mask=in_weight, other=0.0).to(tl.float32)
        c_out = tl.load(C + at[:, None] * N + n[None, :], mask=in_weight, other=0.0).to(tl.float32)
        in_next = t + 1 < L
        p_next = tl.load(order + k * L + t + 1, mask=in_next, other=0).to(tl.int64)
        place_next = (sequence * L + p_next)[:, None] * E + along
        step_next = tl.load(delta + place_next, mask=in_next[:, None] & in_e[None, :], other=0.0).to(
            tl.float32
        )

        place = ((sequence * chunks + chunk) * E + e[:, None]) * N + n[None, :]
        before = tl.load(kept + place, mask=in_state, other=0.0)
        decay = tl.exp(step[:, :, None] * rate[None, :, :])
        gain = (step * pixel)[:, :, None] * b_in[:, None, :]
        total_decay, total_gain = tl.associative_scan((decay, gain), 0, _compose)
        h = total_decay * before[None, :, :] + total_gain

        # The gradient of the states obeys the same recurrence backwards, with the decay of the step after.
        decay_next = tl.exp(step_next[:, :, None] * rate[None, :, :])
        total_decay, total_gain = tl.associative_scan(
            (decay_next, dy[:, :, None] * c_out[:, None, :]), 0, _compose, reverse=True
        )
        dh = total_decay * carry[None, :, :] + total_gain
        carry = _row(dh, steps, 0)

        exponent = dh * (h - gain)  # gradient of delta * A: h - gain is the decayed state before
        via_drive = tl.sum(dh * b_in[:, None, :], axis=2)
        d_step = tl.sum(exponent * rate[None, :, :], axis=2) + pixel * via_drive
        d_pixel = step * via_drive + skip[None, :] * dy
        tl.store(grad_delta + at[:, None] * E + along, d_step, mask=in_pixel)
        tl.store(grad_us + at[:, None] * E + along, d_pixel, mask=in_pixel)
        row = (block * blocks_of + at)[:, None] * N + n[None, :]
        tl.store(grad_Bs + row, tl.sum(dh * (step * pixel)[:, :, None], axis=1), mask=in_weight)
        tl.store(grad_Cs + row, tl.sum(h * dy[:, :, None], axis=1), mask=in_weight)
        grad_rate += tl.sum(exponent * step[:, :, None], axis=0)
        grad_skip += tl.sum(dy * pixel, axis=0)
    tl.store(grad_As + (sequence * E + e[:, None]) * N + n[None, :], grad_rate, mask=in_state)
    tl.store(grad_Ds + sequence * E + e, grad_skip, mask=in_e)


def hybrid_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """The contract of `mambaad_cli.scan.kernels.hybrid_scan`, computed in float32; returns the dtype of u."""
    inputs = [x.contiguous() for x in (u, delta, A, B, C, D)]
    keep = torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
    y: Tensor = triton_scan(*inputs, order.int().contiguous(), keep)[0]
    return y


@torch.library.custom_op("mambaad::triton_scan", mutates_args=())
def triton_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor, keep: bool
) -> tuple[Tensor, Tensor]:
    """Returns y and the state before each chunk (nothing unless `keep`)."""
    check_order(order)
    (batch, L, E), (K, _, N) = u.shape, A.shape
    ys = u.new_empty(batch, K, L, E, dtype=torch.float32)
    kept = u.new_empty(_kept_shape(u, A, keep), dtype=torch.float32)
    grid = (triton.cdiv(E, CHANNELS), K, batch)
    _forward[grid](
        u, delta, A, B, C, D, order, ys, kept, L, E, K, N, triton.cdiv(L, STEPS),
        KEEP=keep, STEPS=STEPS, CHANNELS=CHANNELS, STATES=triton.next_power_of_2(N),
    )  # fmt: skip
    return ys.sum(1).to(u.dtype), kept


@torch.library.custom_op("mambaad::triton_scan_backward", mutates_args=())
def triton_scan_backward(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    order: Tensor,
    kept: Tensor,
    grad_y: Tensor,
) -> list[Tensor]:
    """Returns the gradients of the first six arguments, each in its dtype."""
    (batch, L, E), (K, _, N) = u.shape, A.shape
    blocks = triton.cdiv(E, CHANNELS)

    def empty(*shape: int) -> Tensor:
        return u.new_empty(*shape, dtype=torch.float32)

    grad_us, grad_delta = empty(batch, K, L, E), empty(batch, K, L, E)
    grad_As, grad_Ds = empty(batch, K, E, N), empty(batch, K, E)
    grad_Bs, grad_Cs = empty(blocks, batch, K, L, N), empty(blocks, batch, K, L, N)
    _backward[(blocks, K, batch)](
        u, delta, A, B, C, D, order, kept, grad_y,
        grad_us, grad_delta, grad_As, grad_Bs, grad_Cs, grad_Ds, L, E, K, N, triton.cdiv(L, STEPS),
        STEPS=STEPS, CHANNELS=CHANNELS, STATES=triton.next_power_of_2(N),
    )  # fmt: skip
    grads = (grad_us.sum(1), grad_delta, grad_As.sum(0), grad_Bs.sum(0), grad_Cs.sum(0), grad_Ds.sum(0))
    return [grad.to(x.dtype) for grad, x in zip(grads, (u, delta, A, B, C, D), strict=True)]


@triton_scan.register_fake
def _(u: Tensor, delta: Tensor, A: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    return torch.empty_like(u), u.new_empty(_kept_shape(u, A, keep=rest[-1]), dtype=torch.float32)


@triton_scan_backward.register_fake
def _(*inputs: Tensor) -> list[Tensor]:
    return [torch.empty_like(x) for x in inputs[:6]]


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(*inputs[:7], output[1])


def _gradients(ctx: Any, grad_y: Tensor | None, grad_kept: Tensor | None) -> tuple[Tensor | None, ...]:
    if grad_y is None:
        return (None,) * 8
    return (*triton_scan_backward(*ctx.saved_tensors, grad_y.contiguous()), None, None)


triton_scan.register_autograd(_gradients, setup_context=_keep_inputs)


def _kept_shape(u: Tensor, A: Tensor, keep: bool) -> tuple[int, ...]:
    (batch, L, E), (K, _, N) = u.shape, A.shape
    return batch, K, -(-L // STEPS) if keep else 0, E, N
