"""The hybrid scan on the CPU: the torch side of `cpu_loops`, which shares the work out among threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from mambaad_cli.scan.kernels import cpu_loops
from mambaad_cli.scan.kernels.cpu_loops import PIECE, STRETCH
from mambaad_cli.scan.kernels.simd import LANES, LOG2_E


def hybrid_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """The contract of `mambaad_cli.scan.kernels.hybrid_scan` in float32; returns the dtype of u."""
    E = u.shape[2]
    u32, delta, A, D = (_fill_vector(x.float(), E, dim) for x, dim in ((u, 2), (delta, 3), (A, 1), (D, 1)))
    y = _HybridScan.apply(u32, delta, A, B.float(), C.float(), D, order)
    return y[..., :E].to(u.dtype)


def low_rank_scan(
    u: Tensor, projected: Tensor, weight: Tensor, bias: Tensor, A: Tensor, D: Tensor, order: Tensor
) -> Tensor:
    """The contract of `mambaad_cli.scan.kernels.low_rank_scan` in float32; returns the dtype of u."""
    E = u.shape[2]
    wide = ((u, 2), (weight, 1), (bias, 1), (A, 1), (D, 1))
    u32, weight, bias, A, D = (_fill_vector(x.float(), E, dim) for x, dim in wide)
    y = _LowRankScan.apply(u32, projected.float(), weight, bias, A, D, order)
    return y[..., :E].to(u.dtype)


def _fill_vector(x: Tensor, channels: int, dim: int) -> Tensor:
    """Pad the channels of x with zeros up to whole vectors."""
    missing = -channels % LANES
    return F.pad(x, (0, 0) * (x.dim() - 1 - dim) + (0, missing)) if missing else x


class _HybridScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, delta, A, B, C, D, order):
        batch, K, L, _ = delta.shape
        none = u.new_empty
        E = u.shape[2]
        inputs = (u.contiguous(), delta.contiguous(), none(batch, K, L, 0), none(K, 0, E), none(K, E), _rates(A), B, C, D.contiguous(), order)
        y, kept = _forward(inputs, any(ctx.needs_input_grad))
        ctx.save_for_backward(*inputs, kept)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y):
        grads = _backward(ctx.saved_tensors, grad_y.contiguous())
        return grads["u"], grads["delta"], grads["A"], grads["B"], grads["C"], grads["D"], None


class _LowRankScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, u, projected, weight, bias, A, D, order):
        R, N = weight.shape[2], A.shape[2]
        low, B, C = projected.transpose(1, 2).split_with_sizes([R, N, N], dim=-1)
        weight = weight.transpose(1, 2).contiguous()
        inputs = (u.contiguous(), u.new_empty(0, 0, 0, 0), low, weight, bias.contiguous(), _rates(A), B, C, D.contiguous(), order)
        y, kept = _forward(inputs, any(ctx.needs_input_grad))
        ctx.save_for_backward(*inputs, kept)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y):
        grads = _backward(ctx.saved_tensors, grad_y.contiguous())
        return grads["u"], grads["projected"], grads["weight"], grads["bias"], grads["A"], grads["D"], None

def _rates(A):
    return (A.transpose(1, 2) * LOG2_E).contiguous()

def _groups(batch, E, K):
    groups = 1
    while batch * -(-E // PIECE) * groups < torch.get_num_threads() and K % (2 * groups) == 0:
        groups *= 2
    return groups

def _forward(inputs, keep):
    u, A = inputs[0], inputs[5]
    batch, L, E = u.shape
    K, N, _ = A.shape
    groups = _groups(batch, E, K)
    stretches = -(-L // STRETCH) if keep else 0
    y, kept = u.new_empty(groups, batch, L, E), u.new_empty(batch, K, stretches, N, E)
    _run(cpu_loops.forward, (*inputs, y, kept), batch, E, K, groups)
    return y[0] if groups == 1 else y.sum(0), kept

def _backward(saved, grad_y):
    u, delta, low, weight, bias, A = saved[:6]
    batch, L, E = u.shape
    K, N, _ = A.shape
    R = low.shape[3]
    groups, pieces = _groups(batch, E, K), -(-E // PIECE)
    new = u.new_empty
    grad_u, grad_delta = new(groups, batch, L, E), torch.empty_like(delta)
    grad_projected = new(pieces, batch, L, K, R + 2 * N)
    grad_low, grad_B, grad_C = grad_projected.transpose(2, 3).split_with_sizes([R, N, N], dim=-1)
    grad_weight, grad_bias, grad_A, grad_D = new(batch, K, R, E), new(batch, K, E), new(batch, K, N, E), new(batch, K, E)
    grads = (grad_u, grad_delta, grad_low, grad_weight, grad_bias, grad_A, grad_B, grad_C, grad_D)
    _run(cpu_loops.backward, (*saved, grad_y, *grads), batch, E, K, groups)
    gp = grad_projected.sum(0)
    _, B, C = gp.transpose(1, 2).split_with_sizes([R, N, N], dim=-1)
    return dict(u=grad_u.sum(0), delta=grad_delta, projected=gp, weight=grad_weight.sum(0).transpose(1,2), bias=grad_bias.sum(0), A=grad_A.sum(0).transpose(1,2), B=B, C=C, D=grad_D.sum(0))


def _run(kernel: Callable[..., None], tensors: tuple[Tensor, ...], batch: int, channels: int, K, groups) -> None:
    """Call `kernel` once per task, on as many threads as torch uses."""
    arrays = [tensor.detach().numpy() for tensor in tensors]
    tasks = [(b, e, min(e + PIECE, channels), g*K//groups, (g+1)*K//groups, g) for b in range(batch) for e in range(0, channels, PIECE) for g in range(groups)]
    turn = itertools.count()

    def work() -> None:
        while (task := next(turn)) < len(tasks):
            kernel(*arrays, *tasks[task])

    helpers = [_pool(os.getpid()).submit(work) for _ in range(min(torch.get_num_threads(), len(tasks)) - 1)]
    work()
    for helper in helpers:
        helper.result()


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """The helper threads of this process (a forked child has to start its own)."""
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="mambaad-scan")
