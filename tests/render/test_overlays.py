"""The overlay shows the right pixels: contours where the defect is, heat on the fixed scale."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import ORANGE, SKY
from mambaad_cli.render.heat import HEAT
from mambaad_cli.render.overlays import LARGEST, caption, overlap, overlay_figure, panel_size

PANEL = 320  # sides of the panel of a picture of 64 x 64: the first multiple of 64 from 288 on
SCALE = {"threshold": 0.5, "vmin": 0.0, "vmax": 1.0}


def pixels(figure) -> NDArray[np.float64]:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255


def panel(figure, number: int) -> NDArray[np.float64]:
    """The pixels of one of the three panels."""
    page = pixels(figure)
    box = figure.axes[number].get_window_extent()
    return page[page.shape[0] - round(box.y1) : page.shape[0] - round(box.y0), round(box.x0) : round(box.x1)]


def like(page: NDArray[np.float64], colour: str) -> NDArray[np.bool_]:
    return np.abs(page - to_rgb(colour)).max(axis=-1) < 0.05


def grey(height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 90, np.uint8)


def box(height: int, width: int, top: int, bottom: int, left: int, right: int) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_contours_lie_on_their_regions() -> None:
    truth, found = box(64, 64, 8, 24, 8, 24), box(64, 64, 36, 56, 30, 60)
    view = panel(overlay_figure(grey(), found.astype(float), truth, **SCALE), 2)
    for colour, region in ((SKY, truth), (ORANGE, found)):
        rows, columns = np.nonzero(like(view, colour))
        inside_rows, inside_columns = np.nonzero(region)
        scale = PANEL / 64
        assert rows.min() == pytest.approx(inside_rows.min() * scale, abs=scale)
        assert rows.max() == pytest.approx((inside_rows.max() + 1) * scale, abs=scale)
        assert columns.min() == pytest.approx(inside_columns.min() * scale, abs=scale)
        assert columns.max() == pytest.approx((inside_columns.max() + 1) * scale, abs=scale)


def test_a_defect_of_one_pixel_is_not_lost() -> None:
    mask = np.zeros((2000, 2000), bool)
    mask[500, 1500] = True
    rows, columns = np.nonzero(like(panel(overlay_figure(grey(), np.zeros((8, 8)), mask, **SCALE), 2), SKY))
    assert rows.mean() == pytest.approx(PANEL / 4, abs=2)
    assert columns.mean() == pytest.approx(PANEL * 3 / 4, abs=2)


def test_a_region_that_fills_the_picture_is_outlined_on_all_sides() -> None:
    figure = overlay_figure(grey(), np.ones((8, 8)), np.ones((8, 8), bool), **SCALE)
    lines = like(panel(figure, 2), SKY) | like(panel(figure, 2), ORANGE)
    for side in (lines[:6], lines[-6:], lines[:, :6], lines[:, -6:]):
        assert side.any()


@pytest.mark.parametrize("mask", [None, np.zeros((64, 64), bool)])
def test_nothing_found_draws_no_contour(mask: NDArray[np.bool_] | None) -> None:
    view = panel(overlay_figure(grey(), np.zeros((8, 8)), mask, **SCALE), 2)
    assert not like(view, SKY).any()
    assert not like(view, ORANGE).any()


def test_the_legend_tells_unknown_truth_from_no_defect() -> None:
    def words(mask: NDArray[np.bool_] | None) -> list[str]:
        figure = overlay_figure(grey(), np.zeros((8, 8)), mask, **SCALE)
        return [text.get_text() for text in figure.axes[-1].get_legend().get_texts()]

    assert words(None) == ["predicted"]
    assert words(np.zeros((4, 4), bool)) == ["true defect (none)", "predicted"]
    assert words(np.ones((4, 4), bool)) == ["true defect", "predicted"]


def test_heat_follows_the_fixed_scale_not_the_picture() -> None:
    """Equal values look equal in different pictures; values beyond the scale take its end colours."""
    for value, place in ((0.25, 0.25), (0.8, 0.8), (5.0, 1.0), (-5.0, 0.0)):
        view = panel(overlay_figure(grey(), np.full((8, 8), value), **SCALE), 1)
        *colour, alpha = HEAT(place)
        expected = alpha * np.array(colour) + (1 - alpha) * 90 / 255
        np.testing.assert_allclose(view[50, 50], expected, atol=0.02)


def test_each_scale_has_a_panel_with_the_same_colours() -> None:
    scales = {"stride 4": np.full((16, 16), 0.8), "stride 8": np.full((8, 8), 0.25)}
    figure = overlay_figure(grey(), np.full((8, 8), 0.25), scales=scales, **SCALE)
    np.testing.assert_array_equal(panel(figure, 4), panel(figure, 1))
    *colour, alpha = HEAT(0.8)
    expected = alpha * np.array(colour) + (1 - alpha) * 90 / 255
    np.testing.assert_allclose(panel(figure, 3)[50, 50], expected, atol=0.02)


def test_the_picture_keeps_its_colours_and_shape() -> None:
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, :40] = (200, 30, 60)
    view = panel(overlay_figure(picture, np.zeros((8, 8)), **SCALE), 0)
    assert view.shape[:2] == (160, 320)
    np.testing.assert_allclose(view[20, 20], np.array([200, 30, 60]) / 255, atol=0.01)
    np.testing.assert_allclose(view[20, -20], 0, atol=0.01)


@pytest.mark.parametrize("shape", [(300, 700), (1024, 1024), (1100, 900)])
def test_panels_have_the_pictures_own_pixels(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    figure = overlay_figure(picture, np.zeros((8, 8)), np.ones((4, 4), bool), title="a", note="b", **SCALE)
    view = panel(figure, 0)
    assert view.shape == picture.shape
    np.testing.assert_array_equal((255 * view).round(), picture)
    for number in (1, 2):
        assert panel(figure, number).shape == picture.shape


@pytest.mark.parametrize(
    ("shape", "width", "height", "zoom"),
    [
        ((64, 48), 240, 320, 1),
        ((7, 3), 126, 294, 1),
        ((288, 200), 200, 288, 1),
        ((1024, 1024), 1024, 1024, 2),
        ((700, 900), 900, 700, 1.75),
        ((8192, 4096), LARGEST // 2, LARGEST, 8),
    ],
)
def test_small_pictures_are_enlarged_and_text_grows_with_large_ones(
    shape: tuple[int, int], width: int, height: int, zoom: float
) -> None:
    size = panel_size(*shape)
    assert (size.width, size.height, size.zoom) == (width, height, zoom)


def test_text_takes_the_same_share_of_a_large_page() -> None:
    """The head line of a picture of 1024 pixels is twice as tall as that of one of 512."""
    heights = []
    for side in (512, 1024):
        page = pixels(overlay_figure(grey(side, side), np.zeros((8, 8)), title="HHHH", **SCALE))
        (rows,) = np.nonzero((page[: side // 20] < 0.5).all(axis=-1).any(axis=1))
        heights.append(rows.max() - rows.min())
    assert heights[1] == pytest.approx(2 * heights[0], abs=2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 3), (900, 1200)])
def test_any_size_is_drawn(shape: tuple[int, int]) -> None:
    figure = overlay_figure(grey(*shape), np.eye(3), np.ones(shape, bool), **SCALE, title="a / b")
    assert pixels(figure).shape[1] >= 600


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_map_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(DataError, match="NaN or infinite"):
        overlay_figure(grey(), np.full((4, 4), value), **SCALE)


@pytest.mark.parametrize(
    ("picture", "anomaly_map", "mask"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4)), None),
        (np.zeros((4, 4, 3)), np.zeros((4, 4)), None),
        (np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4)), None),
        (grey(), np.zeros(4), None),
        (grey(), np.zeros((0, 4)), None),
        (grey(), np.zeros((4, 4)), np.zeros((4, 4, 1), bool)),
    ],
)
def test_wrong_shapes_are_refused(picture, anomaly_map, mask) -> None:
    with pytest.raises(DataError, match="must be"):
        overlay_figure(picture, anomaly_map, mask, **SCALE)


@pytest.mark.parametrize("scale", [(0.5, 1.0, 1.0), (0.5, 1.0, 0.0), (np.nan, 0.0, 1.0), (0.5, 0.0, np.inf)])
def test_an_empty_scale_is_refused(scale: tuple[float, float, float]) -> None:
    threshold, vmin, vmax = scale
    with pytest.raises(UsageError, match="scale"):
        overlay_figure(grey(), np.zeros((4, 4)), threshold=threshold, vmin=vmin, vmax=vmax)


def test_caption_tells_the_verdict() -> None:
    assert caption("screw", "bent", 0.91, 0.5) == "screw / bent    score 0.91 ≥ 0.5    anomalous"
    assert caption("screw", "good", 0.49, 0.5) == "screw / good    score 0.49 < 0.5    normal"
    assert caption("screw", "bent", 0.5, 0.5).endswith("anomalous")
    assert caption("screw", "bent", 0.5, 0.5, 0.251).endswith("anomalous    IoU 0.25")


def test_overlap_is_intersection_over_union() -> None:
    truth, found = box(8, 8, 0, 4, 0, 4), box(8, 8, 0, 4, 2, 6)
    assert overlap(found.astype(float), truth, 0.5) == pytest.approx(8 / 24)
    assert overlap(found.astype(float), np.kron(truth, np.ones((5, 5), bool)), 0.5) == pytest.approx(8 / 24)
    assert overlap(found.astype(float), truth[::4, ::4], 0.5) == pytest.approx(8 / 24)
    assert overlap(np.zeros((8, 8)), truth, 0.5) == 0
    assert overlap(found.astype(float), np.zeros((1, 1), bool), 0.5) is None
