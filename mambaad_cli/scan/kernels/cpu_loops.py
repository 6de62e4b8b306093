"""The loops of the cpu kernel, compiled by Numba on first use and kept on disk.

How the work is laid out:

* A task is one picture, a piece of channels (e0:e1) and a group of directions (k0:k1). Tasks share no output,
  so threads need no locks and the result does not depend on timing. Inside a task the directions follow one
  another, hence y and the gradient of u are summed in place.
* The innermost loops run over the N states of one vector of channels. States, decay rates and what the
  backward pass remembers live in small scratch arrays that stay in the cache.
* The steps are taken in stretches. The forward pass keeps the state before each; the backward pass walks from
  the last stretch to the first and recomputes the states inside.
* Pixels are read through `order`, that is, from scattered places: what is needed soon is prefetched.

exp(delta * A) dominates the cost. It is computed as 2^(delta * rates), rates = A * log2(e).

The step sizes come in one of two forms: as `delta` (batch, K, L, E), or as low-rank factors with
delta = softplus(low @ weight + bias); the unused form is an array of size 0.
"""
# mypy: ignore-errors
# Numba compiles these functions: for a type checker there is nothing in them.

from __future__ import annotations

from numba import njit, types

from mambaad_cli.scan.kernels.simd import (
    LANES,
    LOG2_E,
    clear,
    decayed,
    exp2_code,
    load,
    prefetch,
    scratch,
    softplus,
    softplus_slope,
    splat,
    store,
    totals,
)

PIECE = 64
"""Channels of a task: a few vectors, so that a pixel's B and C are read once for all of them."""
STRETCH = 32
"""Steps between two kept states."""
AHEAD = 4
"""Steps between the prefetch of a pixel and its use."""

_f2, _f3, _f4, _f5 = (types.Array(types.float32, n, "C") for n in (2, 3, 4, 5))
_strided4, _strided5 = (types.Array(types.float32, n, "A") for n in (4, 5))
_order = types.Array(types.int32, 2, "C")
_inputs = (_f3, _f4, _strided4, _f3, _f2, _f3, _strided4, _strided4, _f2, _order)
_task = (types.int64,) * 6


def _compiled(*arguments):
    """Compile for these argument types; without the copy on disk where no folder for it can be written."""

    def decorate(function):
        try:
            return njit(types.void(*arguments), nogil=True, cache=True)(function)
        except RuntimeError:
            return njit(types.void(*arguments), nogil=True)(function)

    return decorate


@njit
def _collect(source, k, e0, e1):
    """Rows of source[k] (rows, E) for the channels e0:e1 as scratch: row n of vector v is v * rows + n."""
    rows = source.shape[1]
    target = scratch((e1 - e0) // LANES * rows)
    for v in range((e1 - e0) // LANES):
        for n in range(rows):
            store(target, v * rows + n, load(source, (k, n, e0 + v * LANES)))
    return target


@njit
def _fill_steps(steps, vectors, delta, low, weight, bias, order, b, k, e0, start, stop):
    """Write the step sizes of start:stop to `steps`, that many `vectors` for each; `weight` is collected."""
    R = low.shape[3]
    for t in range(start, stop):
        p = order[k, t]
        for v in range(vectors):
            i = (t - start) * vectors + v
            if R == 0:
                store(steps, i, load(delta, (b, k, p, e0 + v * LANES)))
            else:
                x = load(bias, (k, e0 + v * LANES))
                for r in range(R):
                    x += splat(low[b, k, p, r]) * load(weight, v * R + r)
                store(steps, i, softplus(x))


@njit
def _write_totals(target, piece, b, k, p, rows, line):
    """target[piece, b, k, p] = the sums of the first of `rows`; `line` is scratch for one vector."""
    count = target.shape[4]
    for first in range(0, count, LANES):
        store(line, 0, totals(rows, first))
        for n in range(first, min(first + LANES, count)):
            target[piece, b, k, p, n] = line[n - first]


@_compiled(*_inputs, _f4, _f5, *_task)
def forward(u, delta, low, weight, bias, rates, B, C, D, order, y, kept, b, e0, e1, k0, k1, group):
    """Scan one task.

    Args:
        u, delta, B, C, D, order: as in hybrid_scan.
        low, weight, bias: (batch, K, L, R), (K, R, E), (K, E).
        rates: (K, N, E), A times log2(e).
        y: (groups, batch, L, E), receives the sum over the directions of each group.
        kept: (batch, K, stretches, N, E), receives the state before each stretch, unless it is empty.
        b, e0, e1, k0, k1, group: the task.
    """
    L, N = u.shape[1], rates.shape[1]
    vectors = (e1 - e0) // LANES
    state, steps = scratch(vectors * N), scratch(STRETCH * vectors)
    for k in range(k0, k1):
        rate, factors = _collect(rates, k, e0, e1), _collect(weight, k, e0, e1)
        clear(state)
        for start in range(0, L, STRETCH):
            stop = min(start + STRETCH, L)
            if kept.size > 0:
                for v in range(vectors):
                    for n in range(N):
                        place = (b, k, start // STRETCH, n, e0 + v * LANES)
                        store(kept, place, load(state, v * N + n))
            _fill_steps(steps, vectors, delta, low, factors, bias, order, b, k, e0, start, stop)
            for t in range(start, stop):
                p, soon, later = (
                    order[k, t],
                    order[k, min(t + AHEAD, L - 1)],
                    order[k, min(t + STRETCH, L - 1)],
                )
                prefetch(B, (b, k, soon))
                prefetch(C, (b, k, soon))
                prefetch(low, (b, k, later))
                for v in range(vectors):
                    e = e0 + v * LANES
                    prefetch(u, (b, soon, e))
                    prefetch(y, (group, b, soon, e))
                    prefetch(delta, (b, k, later, e))
                    pixel, step = load(u, (b, p, e)), load(steps, (t - start) * vectors + v)
                    drive = step * pixel
                    out = load(D, (k, e)) * pixel
                    if k > k0:
                        out += load(y, (group, b, p, e))
                    for n in range(N):
                        i = v * N + n
                        decay = exp2_code(step * load(rate, i))
                        h = decayed(decay, load(state, i), drive * splat(B[b, k, p, n]))
                        store(state, i, h)
                        out += h * splat(C[b, k, p, n])
                    store(y, (group, b, p, e), out)


@njit
def _pass_on_steps(
    grads, steps, vectors, low, weight, grad_delta, grad_low, grad_weight, grad_bias, sums, line,
    order, piece, b, k, e0, start, stop
):  # fmt: skip
    """Hand the gradients of the steps start:stop on to delta, or through softplus to its low-rank factors."""
    R = low.shape[3]
    for t in range(start, stop):
        p = order[k, t]
        if R > 0:
            clear(sums)
        for v in range(vectors):
            i = (t - start) * vectors + v
            if R == 0:
                store(grad_delta, (b, k, p, e0 + v * LANES), load(grads, i))
            else:
                grad = softplus_slope(load(steps, i)) * load(grads, i)
                store(grad_bias, v, load(grad_bias, v) + grad)
                for r in range(R):
                    j = v * R + r
                    store(grad_weight, j, load(grad_weight, j) + grad * splat(low[b, k, p, r]))
                    store(sums, r, load(sums, r) + grad * load(weight, j))
        if R > 0:
            _write_totals(grad_low, piece, b, k, p, sums, line)


@_compiled(*_inputs, _f5, _f3, _f4, _f4, _strided5, _f4, _f3, _f4, _strided5, _strided5, _f3, *_task)
def backward(
    u, delta, low, weight, bias, rates, B, C, D, order, kept, grad_y,
    grad_u, grad_delta, grad_low, grad_weight, grad_bias, grad_rates, grad_B, grad_C, grad_D,
    b, e0, e1, k0, k1, group
):  # fmt: skip
    """The gradients of one task. Inputs as in `forward`; the caller adds up what several tasks write apart.

    Args:
        grad_u: (groups, batch, L, E).
        grad_weight, grad_bias, grad_rates, grad_D: as the inputs, after a dimension of pictures.
        grad_low, grad_B, grad_C: as the inputs, after a dimension of pieces.
    """
    L, N, R = u.shape[1], rates.shape[1], low.shape[3]
    vectors = (e1 - e0) // LANES
    rows = vectors * N
    piece = e0 // PIECE
    carry, rate_grad = scratch(rows), scratch(rows)
    skip_grad, bias_grad, factors_grad = scratch(vectors), scratch(vectors), scratch(vectors * R)
    sum_low, sum_B, sum_C, line = scratch(R + LANES), scratch(N + LANES), scratch(N + LANES), scratch(1)
    steps, step_grads = scratch(STRETCH * vectors), scratch(STRETCH * vectors)
    states, decays = scratch((STRETCH + 1) * rows), scratch(STRETCH * rows)
    for k in range(k0, k1):
        rate, factors = _collect(rates, k, e0, e1), _collect(weight, k, e0, e1)
        for gathered in (carry, rate_grad, skip_grad, bias_grad, factors_grad):
            clear(gathered)
        for stretch in range((L - 1) // STRETCH, -1, -1):
            start, stop = stretch * STRETCH, min((stretch + 1) * STRETCH, L)
            _fill_steps(steps, vectors, delta, low, factors, bias, order, b, k, e0, start, stop)
            for v in range(vectors):
                for n in range(N):
                    store(states, v * N + n, load(kept, (b, k, stretch, n, e0 + v * LANES)))
            for t in range(start, stop):  # the states of this stretch once more
                p, soon = order[k, t], order[k, min(t + AHEAD, L - 1)]
                prefetch(B, (b, k, soon))
                for v in range(vectors):
                    e = e0 + v * LANES
                    prefetch(u, (b, soon, e))
                    step = load(steps, (t - start) * vectors + v)
                    drive = step * load(u, (b, p, e))
                    for n in range(N):
                        i = v * N + n
                        now = (t - start) * rows + i
                        decay = exp2_code(step * load(rate, i))
                        h = decayed(decay, load(states, now), drive * splat(B[b, k, p, n]))
                        store(decays, now, decay)
                        store(states, now + rows, h)
            for t in range(stop - 1, start - 1, -1):  # and the gradients, backwards
                p, soon, later = order[k, t], order[k, max(t - AHEAD, 0)], order[k, max(t - STRETCH, 0)]
                prefetch(low, (b, k, later))
                prefetch(C, (b, k, soon))
                clear(sum_B)
                clear(sum_C)
                for v in range(vectors):
                    e = e0 + v * LANES
                    prefetch(grad_y, (b, soon, e))
                    prefetch(grad_u, (group, b, soon, e))
                    prefetch(delta, (b, k, later, e))
                    pixel, dy = load(u, (b, p, e)), load(grad_y, (b, p, e))
                    step = load(steps, (t - start) * vectors + v)
                    drive = step * pixel
                    via_rate, via_drive = splat(0.0), splat(0.0)
                    for n in range(N):
                        i = v * N + n
                        now = (t - start) * rows + i
                        dh = dy * splat(C[b, k, p, n]) + load(carry, i)
                        passed = decayed(load(decays, now), dh, splat(0.0))  # to the state before
                        exponent = passed * load(states, now)  # to delta * A
                        store(carry, i, passed)
                        store(rate_grad, i, exponent * step + load(rate_grad, i))
                        via_rate += exponent * load(rate, i)
                        via_drive += dh * splat(B[b, k, p, n])
                        store(sum_B, n, dh * drive + load(sum_B, n))
                        store(sum_C, n, dy * load(states, now + rows) + load(sum_C, n))
                    row = (t - start) * vectors + v
                    store(step_grads, row, via_rate * splat(1 / LOG2_E) + pixel * via_drive)
                    grad = dy * load(D, (k, e)) + step * via_drive
                    if k > k0:
                        grad += load(grad_u, (group, b, p, e))
                    store(grad_u, (group, b, p, e), grad)
                    store(skip_grad, v, dy * pixel + load(skip_grad, v))
                _write_totals(grad_B, piece, b, k, p, sum_B, line)
                _write_totals(grad_C, piece, b, k, p, sum_C, line)
            _pass_on_steps(
                step_grads, steps, vectors, low, factors, grad_delta, grad_low, factors_grad, bias_grad,
                sum_low, line, order, piece, b, k, e0, start, stop
            )  # fmt: skip
        for v in range(vectors):
            e = e0 + v * LANES
            store(grad_D, (b, k, e), load(skip_grad, v))
            store(grad_bias, (b, k, e), load(bias_grad, v))
            for n in range(N):
                store(grad_rates, (b, k, n, e), splat(1 / LOG2_E) * load(rate_grad, v * N + n))
            for r in range(R):
                store(grad_weight, (b, k, r, e), load(factors_grad, v * R + r))
