"""The Hybrid State Space (HSS) block: one state space model that reads the map along many paths."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mambaad_cli.model.processes import random_per_picture
from mambaad_cli.scan.kernels import low_rank_scan
from mambaad_cli.scan.orders import scan_order

STEP_MIN, STEP_MAX = 0.001, 0.1  # range of the initial step sizes (Mamba, arXiv 2312.00752)


class HSSBlock(nn.Module):
    """x + drop(HSS(norm(x))) on a channels-last map (paper, section 3.3).

    Args:
        channels: C.
        method: scan method, one of `mambaad_cli.scan.METHODS`.
        directions: K.
        state: N, size of the state of each inner channel.
        expand: E = expand * C.
        drop_path: probability that the residual branch of a picture is dropped in training.
    """

    def __init__(
        self, channels: int, method: str, directions: int, state: int, expand: int, drop_path: float
    ) -> None:
        super().__init__()
        inner, rank = expand * channels, math.ceil(channels / 16)
        self.method, self.directions, self.drop_path = method, directions, drop_path
        self.norm = nn.LayerNorm(channels)
        self.in_proj = nn.Linear(channels, 2 * inner, bias=False)
        self.conv = nn.Conv2d(inner, inner, 3, padding=1, groups=inner)
        self.x_proj = nn.Parameter(torch.empty(directions, rank + 2 * state, inner))
        self.dt_weight = nn.Parameter(torch.empty(directions, inner, rank))
        self.dt_bias = nn.Parameter(torch.empty(directions, inner))
        self.A_log = nn.Parameter(torch.empty(directions, inner, state))
        self.D = nn.Parameter(torch.ones(directions, inner))
        self.out_norm = nn.LayerNorm(inner)
        self.out_proj = nn.Linear(inner, channels, bias=False)
        self._reset(rank, state)

    @torch.no_grad()
    def _reset(self, rank: int, state: int) -> None:
        """The published initialisation: Mamba's for the state space, small normals for the projections."""
        nn.init.trunc_normal_(self.in_proj.weight, std=0.02)
        nn.init.trunc_normal_(self.out_proj.weight, std=0.02)
        nn.init.uniform_(self.x_proj, -(bound := self.x_proj.shape[-1] ** -0.5), bound)
        nn.init.uniform_(self.dt_weight, -(bound := rank**-0.5), bound)
        step = torch.empty_like(self.dt_bias).uniform_(math.log(STEP_MIN), math.log(STEP_MAX)).exp()
        self.dt_bias.copy_(step + torch.log(-torch.expm1(-step)))  # softplus(dt_bias) == step
        self.A_log.copy_(torch.arange(1, state + 1).log())

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        B, H, W, _ = x.shape
        u, gate = self.in_proj(self.norm(x)).chunk(2, dim=-1)  # (B, H, W, E) each
        u = F.silu(self.conv(u.permute(0, 3, 1, 2))).permute(0, 2, 3, 1).reshape(B, H * W, -1)
        y = self.out_norm(self.scan(u, H, W)).view(B, H, W, -1)
        return x + drop_path(self.out_proj(y * F.silu(gate)), self.drop_path, self.training)

    def scan(self, u: Tensor, H: int, W: int) -> Tensor:
        """The selective scan along all directions, summed: (B, L, E) -> (B, L, E), raster order."""
        B, L, _ = u.shape
        # One product for all directions: projecting a pixel commutes with the order in which pixels are read.
        projected = F.linear(u, self.x_proj.flatten(0, 1)).view(B, L, self.directions, -1)  # per k: dt, B, C
        order = scan_order(self.method, H, W, self.directions)
        return low_rank_scan(u, projected, self.dt_weight, self.dt_bias, -self.A_log.exp(), self.D, order)


def drop_path(x: Tensor, probability: float, training: bool) -> Tensor:
    """Drop the branch of a picture and scale up the others, so that the mean stays (arXiv 1603.09382)."""
    if not training or probability == 0:
        return x
    keep = (random_per_picture(x.shape[0]) >= probability).to(x.device, x.dtype)
    return x * keep.view(-1, *[1] * (x.ndim - 1)) / (1 - probability)
