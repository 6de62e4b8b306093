"""Scores against SciPy and against formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from mambaad_cli.model.scoring import anomaly_map, image_scores, scale_losses, scale_maps, smooth


@pytest.mark.parametrize("shape", [(64, 64), (7, 40), (256, 256), (1, 1)])
@pytest.mark.parametrize("sigma", [4.0, 1.3, 0.0])
def test_smoothing_equals_scipy(shape: tuple[int, int], sigma: float) -> None:
    maps = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    expected = np.stack([gaussian_filter(m, sigma) for m in maps.numpy()])
    np.testing.assert_allclose(smooth(maps, sigma).numpy(), expected, atol=1e-5)


def test_scale_map_is_one_minus_cosine() -> None:
    g = torch.Generator().manual_seed(0)
    teacher = [torch.randn(2, 5, 8, 8, generator=g), torch.randn(2, 9, 4, 4, generator=g)]
    student = [torch.randn(2, 5, 8, 8, generator=g), torch.randn(2, 9, 4, 4, generator=g)]
    maps = scale_maps(teacher, student, (8, 8))
    t, s = teacher[0].numpy(), student[0].numpy()
    norms = np.linalg.norm(t, axis=1) * np.linalg.norm(s, axis=1)
    np.testing.assert_allclose(maps[:, 0].numpy(), 1 - (t * s).sum(1) / norms, atol=1e-6)
    # Aligned corners: the corners of a small map stay where they are.
    t, s = teacher[1][0, :, 0, 0].numpy(), student[1][0, :, 0, 0].numpy()
    corner = 1 - t @ s / (np.linalg.norm(t) * np.linalg.norm(s))
    assert maps[0, 1, 0, 0].item() == pytest.approx(corner, abs=1e-6)
    np.testing.assert_allclose(anomaly_map(teacher, student, (8, 8)).numpy(), maps.mean(1).numpy(), atol=1e-7)


def test_perfect_reconstruction_has_no_loss_and_a_flat_map() -> None:
    teacher = [torch.randn(1, 4, 8, 8), torch.randn(1, 6, 4, 4)]
    assert scale_losses(teacher, teacher).tolist() == [0.0, 0.0]
    assert anomaly_map(teacher, teacher, (16, 16)).abs().max() < 1e-6


def test_loss_is_the_mean_squared_error_per_scale() -> None:
    teacher, student = [torch.zeros(2, 3, 4, 4), torch.zeros(2, 5, 2, 2)], [torch.full((2, 3, 4, 4), 2.0)]
    student.append(torch.full((2, 5, 2, 2), 3.0))
    assert scale_losses(teacher, student).tolist() == [4.0, 9.0]


def test_score_is_the_maximum_of_the_map() -> None:
    maps = torch.tensor([[[0.0, 1.0], [0.5, 0.2]], [[-1.0, -3.0], [-2.0, -4.0]]])
    assert image_scores(maps).tolist() == [1.0, -1.0]
