"""From feature distances to anomaly maps and scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def scale_losses(teacher: Sequence[Tensor], student: Sequence[Tensor], kind: str = "mse") -> Tensor:
    """The loss of each scale, (S,).

    Args:
        teacher, student: S maps (B, C_i, H_i, W_i).
        kind: "mse", mean squared error, whose sum over scales is the paper's loss (equation 7); or "cosine",
            the mean of 1 - cosine similarity over channels, which is what the anomaly maps measure.
    """
    distance = F.mse_loss if kind == "mse" else _cosine_loss
    return torch.stack([distance(s, t) for t, s in zip(teacher, student, strict=True)])


def _cosine_loss(student: Tensor, teacher: Tensor) -> Tensor:
    return (1 - F.cosine_similarity(student, teacher, dim=1)).mean()


def scale_maps(teacher: Sequence[Tensor], student: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """1 - cosine similarity over channels per scale, up-sampled bilinearly with aligned corners.

    Args:
        teacher, student: S maps (B, C_i, H_i, W_i).
        size: (H, W) of the result.

    Returns:
        (B, S, H, W), each value in [0, 2].
    """
    distances = (1 - F.cosine_similarity(t, s, dim=1) for t, s in zip(teacher, student, strict=True))
    grown = [F.interpolate(d[:, None], size=size, mode="bilinear", align_corners=True) for d in distances]
    return torch.cat(grown, dim=1)


def anomaly_map(teacher: Sequence[Tensor], student: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Mean of the scale maps: (B, H, W). The published code has a third of it, which moves no metric."""
    return scale_maps(teacher, student, size).mean(dim=1)


def smooth(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian filter of (B, H, W), equal to `scipy.ndimage.gaussian_filter` (borders mirrored, 4 sigma)."""
    if sigma == 0:
        return maps
    radius = int(4 * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, device=maps.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2).to(maps.dtype)
    kernel = kernel / kernel.sum()
    return _filter_rows(_filter_rows(maps, kernel).transpose(1, 2), kernel).transpose(1, 2)


def image_scores(maps: Tensor) -> Tensor:
    """Score of each picture: the maximum of its (smoothed) map, (B, H, W) -> (B,)."""
    return maps.amax(dim=(1, 2))


def _filter_rows(maps: Tensor, kernel: Tensor) -> Tensor:
    B, H, W = maps.shape
    mirrored = np.pad(np.arange(W), len(kernel) // 2, mode="symmetric")
    rows = maps[:, :, torch.from_numpy(mirrored).to(maps.device)].reshape(B * H, 1, -1)
    return F.conv1d(rows, kernel.view(1, 1, -1)).view(B, H, W)
