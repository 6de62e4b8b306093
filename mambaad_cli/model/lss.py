"""The Locality-enhanced State Space (LSS) module: HSS blocks look far, depth-wise convolutions look near."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mambaad_cli.model.hss import HSSBlock


class LocalBranch(nn.Sequential):
    """1x1, depth-wise k x k and 1x1 convolutions, each with instance norm and SiLU: (B, C, H, W) -> same."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 1),
            nn.InstanceNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
            nn.InstanceNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 1),
            nn.InstanceNorm2d(channels),
            nn.SiLU(),
        )


class LSSModule(nn.Module):
    """x + merge([HSS chain, local branches]) on a channels-last map (paper, section 3.3).

    Args:
        channels: C.
        blocks: the HSS blocks of the global branch; without any there are only local branches.
        kernels: sizes of the depth-wise convolutions, one local branch each; without any there is nothing to
            merge (paper, table 3).
    """

    def __init__(self, channels: int, blocks: Sequence[HSSBlock], kernels: Sequence[int]) -> None:
        super().__init__()
        self.hss = nn.Sequential(*blocks)
        self.local = nn.ModuleList(LocalBranch(channels, kernel) for kernel in kernels)
        branches = bool(blocks) + len(kernels)
        self.merge = nn.Conv2d(branches * channels, channels, 1) if kernels else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2 / fan_out))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) -> (B, H, W, C)."""
        near = x.permute(0, 3, 1, 2)
        branches = [branch(near) for branch in self.local]
        if self.hss:
            branches.insert(0, self.hss(x).permute(0, 3, 1, 2))
        merged: Tensor = self.merge(torch.cat(branches, dim=1))
        return x + merged.permute(0, 2, 3, 1)
