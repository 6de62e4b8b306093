"""What processes that train one network together have to share, so that they compute what one alone would.

Each process takes an equal part of every batch. All of them draw the same random numbers.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def place() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) where one process works alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def random_per_picture(count: int) -> Tensor:
    """(count,) uniform random numbers for this process's pictures, drawn on the CPU for the whole batch."""
    rank, processes = place()
    return torch.rand(processes * count)[rank * count : (rank + 1) * count]


class BatchNorm(nn.BatchNorm2d):
    """Batch norm over the pictures of all processes (torch's SyncBatchNorm knows only GPUs)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same; statistics in float32."""
        processes = place()[1]
        if not self.training or processes == 1:
            return super().forward(x)
        values = x.float()
        mean = _mean_over_processes(values.mean((0, 2, 3)))
        centred = values - mean[:, None, None]
        variance = _mean_over_processes(centred.square().mean((0, 2, 3)))
        self._follow(mean.detach(), variance.detach(), processes * x[:, 0].numel())
        scale = torch.rsqrt(variance + self.eps) * self.weight
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics as `nn.BatchNorm2d` does: the variance without bias."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / max(count - 1, 1), self.momentum)


class _Mean(torch.autograd.Function):
    """The mean of a tensor over all processes; its gradient is the mean of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _reduced(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _reduced(gradient)


def _mean_over_processes(x: Tensor) -> Tensor:
    mean: Tensor = _Mean.apply(x)
    return mean


def _reduced(x: Tensor) -> Tensor:
    total = x.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total / place()[1]
