"""The measured influence is the one that is known: of convolutions, and of walks that only look back."""

import numpy as np
import pytest
import torch

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.influence import Influence, influence_figure, measure_influence
from mambaad_cli.scan.kernels import hybrid_scan
from mambaad_cli.scan.orders import scan_order


def test_a_convolution_shows_its_kernel() -> None:
    kernel = torch.tensor([[1.0, 2.0, 0.0], [4.0, -8.0, 3.0], [0.0, 0.5, 1.0]])

    def layer(x: torch.Tensor) -> torch.Tensor:
        maps = x.permute(0, 3, 1, 2)
        return torch.conv2d(maps, kernel[None, None], padding=1).permute(0, 2, 3, 1)

    found = measure_influence(layer, torch.randn(1, 6, 7, 1), 2, 3)
    expected = np.zeros((6, 7))
    expected[1:4, 2:5] = kernel.abs().numpy() / 8
    np.testing.assert_allclose(found.strength, expected, atol=1e-6)


def test_channels_are_joined_by_their_norm() -> None:
    weights = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    found = measure_influence(lambda x: (x + 2 * x.roll(1, dims=2)) @ weights, torch.randn(1, 3, 5, 2), 1, 2)
    expected = np.zeros((3, 5))
    expected[1, 2], expected[1, 1] = 0.5, 1
    np.testing.assert_allclose(found.strength, expected, atol=1e-6)


@pytest.mark.parametrize("method", ["scan", "hilbert"])
def test_a_walk_remembers_only_what_it_has_read_and_forgets_at_its_rate(method: str) -> None:
    height, width, step, rate = 4, 6, 0.5, 0.7
    order = scan_order(method, height, width, 2)[:1]
    length = height * width

    def layer(x: torch.Tensor) -> torch.Tensor:
        batch = len(x)
        ones = torch.ones(batch, 1, length, 1)
        result = hybrid_scan(
            x.reshape(batch, length, 1),
            step * ones,
            -rate * torch.ones(1, 1, 1),
            ones,
            ones,
            torch.zeros(1, 1),
            order,
            kernel="reference",
        )
        return result.reshape(batch, height, width, 1)

    time = 15
    row, column = divmod(int(order[0, time]), width)
    found = measure_influence(layer, torch.randn(1, height, width, 1), row, column)
    along = found.strength.ravel()[order[0]]
    ages = np.arange(time, -1, -1)
    np.testing.assert_allclose(along[: time + 1], np.exp(-rate * step * ages), rtol=1e-5)
    np.testing.assert_array_equal(along[time + 1 :], 0)


def test_radius_holds_the_share() -> None:
    strength = np.zeros((5, 5))
    strength[2, 2], strength[2, 4], strength[0, 2] = 0.5, 0.3, 0.2
    found = Influence(2, 2, strength)
    assert found.radius(0.5) == 0
    assert found.radius(0.7) == 2
    assert Influence(0, 0, strength).radius(1.0) == pytest.approx(np.hypot(2, 4))


@pytest.mark.parametrize("pixel", [(-1, 0), (0, 5), (4, 0)])
def test_a_pixel_beyond_the_map_is_refused(pixel: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="not on the map of 4 x 5"):
        measure_influence(lambda x: x, torch.ones(1, 4, 5, 2), *pixel)


def test_no_influence_is_an_error() -> None:
    with pytest.raises(DataError, match="no influence"):
        measure_influence(lambda x: 0 * x, torch.ones(1, 4, 5, 2), 0, 0)


def test_the_figure_shows_strength_on_a_logarithmic_scale() -> None:
    found = measure_influence(lambda x: x + 0.01 * x.roll(1, dims=1), torch.ones(1, 4, 5, 2), 1, 1)
    figure = influence_figure(np.zeros((30, 20, 3), np.uint8), found, "a title")
    figure.canvas.draw()
    heat = figure.axes[1].images[0]
    assert heat.norm(1.0) == 1
    assert heat.norm(10**-1.5) == pytest.approx(0.5)
    np.testing.assert_array_equal(heat.get_array(), found.strength)
