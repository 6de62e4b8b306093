"""The half-FPN (H-FPN) bottleneck: three feature maps become one small, semantic map."""

from __future__ import annotations

from collections.abc import Sequence

from timm.models.resnet import Bottleneck
from torch import Tensor, nn

from mambaad_cli.model.processes import BatchNorm


class HalfFPN(nn.Module):
    """Sums the maps bottom-up at stride 16, then three ResNet bottlenecks halve the size (section 3.2).

    Args:
        channels: of the encoder's maps at strides 4, 8 and 16.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.out_channels = 2 * coarse
        self.down_fine = _conv_norm_relu(fine, middle, kernel=3, stride=2)
        self.side_middle = _conv_norm_relu(middle, middle)
        self.down_middle = _conv_norm_relu(middle, coarse, kernel=3, stride=2)
        self.side_coarse = _conv_norm_relu(coarse, coarse)
        self.merge = _conv_norm_relu(coarse, coarse)
        planes = self.out_channels // Bottleneck.expansion
        shortcut = nn.Sequential(
            nn.Conv2d(coarse, self.out_channels, 1, stride=2, bias=False), BatchNorm(self.out_channels)
        )
        self.bottlenecks = nn.Sequential(
            Bottleneck(coarse, planes, stride=2, downsample=shortcut, norm_layer=BatchNorm),
            Bottleneck(self.out_channels, planes, norm_layer=BatchNorm),
            Bottleneck(self.out_channels, planes, norm_layer=BatchNorm),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Maps (B, C_i, H/s, W/s) with s = 4, 8, 16 -> (B, 2 * C_3, H/32, W/32)."""
        fine, middle, coarse = features
        at_8 = self.down_fine(fine) + self.side_middle(middle)
        at_16 = self.down_middle(at_8) + self.side_coarse(coarse)
        fused: Tensor = self.bottlenecks(self.merge(at_16))
        return fused


def _conv_norm_relu(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    # The published 1x1 convolutions carry a bias before the batch norm, the 3x3 ones do not.
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=kernel == 1)
    return nn.Sequential(conv, BatchNorm(outputs), nn.ReLU(inplace=True))
