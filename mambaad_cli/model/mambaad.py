"""MambaAD: a frozen teacher, and a student that can only rebuild what normal pictures look like."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mambaad_cli.model.decoder import Decoder
from mambaad_cli.model.encoder import Encoder, load_weights
from mambaad_cli.model.fusion import HalfFPN
from mambaad_cli.recipe import ModelConfig


class MambaAD(nn.Module):
    """The network of the paper (arXiv 2404.06564, section 3.2).

    Args:
        config: the `model` section of a recipe; the default is the paper's.
        pretrained: fill the encoder with the weights that `config` names.
    """

    def __init__(self, config: ModelConfig | None = None, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config or ModelConfig()
        self.encoder = Encoder(self.config.encoder)
        self.fusion = HalfFPN(self.encoder.channels)
        self.decoder = Decoder((self.fusion.out_channels, *reversed(self.encoder.channels)), self.config)
        if pretrained:
            load_weights(self.encoder, self.config.encoder_weights)

    def forward(self, images: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Encode and reconstruct.

        Args:
            images: (B, 3, H, W) normalised (see `normalise`), H and W multiples of 32.

        Returns:
            teacher, student: two lists of maps (B, C_i, H/s, W/s), s = 4, 8, 16.
        """
        teacher = self.encoder(images)
        return teacher, self.decoder(self.fusion(teacher))

    def normalise(self, pictures: Tensor) -> Tensor:
        """uint8 pictures (B, H, W, 3) -> float images (B, 3, H, W) with the encoder's mean and deviation."""
        mean, std = (torch.tensor(v, device=pictures.device) for v in (self.encoder.mean, self.encoder.std))
        return ((pictures / 255 - mean) / std).permute(0, 3, 1, 2)
