"""The Mamba decoder: from the fused map back to the encoder's feature maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mambaad_cli.model.hss import HSSBlock
from mambaad_cli.model.lss import LSSModule
from mambaad_cli.recipe import ModelConfig


class PatchExpand(nn.Module):
    """Doubles the size of a channels-last map: (B, H, W, C) -> (B, 2H, 2W, out_channels)."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.expand = nn.Linear(channels, 4 * out_channels, bias=False)
        self.norm = nn.LayerNorm(out_channels)
        nn.init.trunc_normal_(self.expand.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Each pixel becomes a 2 x 2 patch of its own linear map."""
        B, H, W, _ = x.shape
        patches = self.expand(x).view(B, H, W, 2, 2, -1)
        grown: Tensor = self.norm(patches.transpose(2, 3).reshape(B, 2 * H, 2 * W, -1))
        return grown


class Decoder(nn.Module):
    """Four stages of LSS modules at strides 32, 16, 8 and 4 (paper, section 3.2).

    Args:
        channels: per stage, coarse first: of the fused map, then of the encoder's maps at strides 16, 8, 4.
        config: depths count HSS blocks per stage; three (or else two) of them make one LSS module.
    """

    def __init__(self, channels: Sequence[int], config: ModelConfig) -> None:
        super().__init__()
        self.recompute = False  # keep only the input of each LSS module for the backward pass
        rates = torch.linspace(config.drop_path, 0, sum(config.depths), device="cpu").tolist()
        self.expands = nn.ModuleList(PatchExpand(before, after) for before, after in pairwise(channels))
        self.stages = nn.ModuleList()
        for stage, (width, depth) in enumerate(zip(channels, config.depths, strict=True)):
            first = sum(config.depths[:stage])
            size = 3 if depth % 3 == 0 else 2
            # Published: the blocks of a module share one rate, the module's own place in its stage's list.
            self.stages.append(
                nn.Sequential(
                    *(_module(width, size, rates[first + place], config) for place in range(depth // size))
                )
            )

    def forward(self, fused: Tensor) -> list[Tensor]:
        """(B, C, H/32, W/32) -> reconstructions (B, C_i, H/s, W/s), s = 4, 8, 16: finest first."""
        x = self._run(self.stages[0], fused.permute(0, 2, 3, 1))
        maps: list[Tensor] = []
        for expand, stage in zip(self.expands, self.stages[1:], strict=True):
            x = self._run(stage, expand(x))
            maps.insert(0, x.permute(0, 3, 1, 2))
        return maps

    def _run(self, stage: nn.Module, x: Tensor) -> Tensor:
        for module in stage.children():
            x = checkpoint(module, x, use_reentrant=False) if self.recompute else module(x)
        return x


def _module(channels: int, blocks: int, drop_path: float, config: ModelConfig) -> LSSModule:
    hss = [
        HSSBlock(channels, config.scan, config.directions, config.state, config.expand, drop_path)
        for _ in range(blocks if config.hss else 0)
    ]
    return LSSModule(channels, hss, config.kernels)
