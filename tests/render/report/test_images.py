"""The stored pictures show what the arrays hold."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.errors import DataError
from mambaad_cli.render.overlays import HEAT
from mambaad_cli.render.report.data import ReportPicture
from mambaad_cli.render.report.images import LONGEST, encode

GREY = np.full((40, 60, 3), 90, np.uint8)


def sample(**changes) -> ReportPicture:
    return ReportPicture("a.png", "bolts", "bent", 1, 0.5, **{"picture": GREY, **changes})


def opened(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image)


def test_only_what_is_known_is_stored() -> None:
    assert encode(sample(picture=None), (0, 1)) == {}
    assert set(encode(sample(), (0, 1))) == {"picture.webp"}
    empty = np.zeros((40, 60), bool)
    assert set(encode(sample(anomaly_map=np.zeros((4, 4)), mask=empty), (0, 1))) == {
        "picture.webp",
        "map.webp",
    }


def test_large_pictures_are_reduced_and_small_ones_kept() -> None:
    large = np.zeros((1000, 2000, 3), np.uint8)
    assert opened(encode(sample(picture=large), (0, 1))["picture.webp"]).shape == (LONGEST // 2, LONGEST, 3)
    assert opened(encode(sample(), (0, 1))["picture.webp"]).shape == (40, 60, 3)


@pytest.mark.parametrize("value", [-1.0, 2.0, 4.0, 9.0])
def test_the_map_follows_the_fixed_scale(value: float) -> None:
    content = encode(sample(anomaly_map=np.full((8, 8), value)), (0.0, 8.0))["map.webp"]
    *colour, alpha = HEAT(float(np.clip(value / 8, 0, 1)))
    expected = 255 * alpha * np.array(colour) + (1 - alpha) * 90
    np.testing.assert_allclose(opened(content)[20, 30], expected, atol=6)


def test_the_outline_surrounds_the_defect() -> None:
    mask = np.zeros((80, 120), bool)
    mask[20:60, 40:100] = True
    outline = opened(encode(sample(mask=mask), (0, 1))["mask.png"])
    drawn = outline[..., 3] > 0
    rows, columns = np.nonzero(drawn)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 30, 19, 50)
    assert not drawn[20, 35]
    assert not drawn[0].any()


def test_a_defect_of_one_pixel_is_not_lost() -> None:
    mask = np.zeros((4000, 6000), bool)
    mask[1000, 3000] = True
    outline = opened(encode(sample(mask=mask), (0, 1))["mask.png"])
    rows, columns = np.nonzero(outline[..., 3])
    assert (rows.mean(), columns.mean()) == pytest.approx((10, 30), abs=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1)])
def test_any_size_is_stored(shape: tuple[int, int]) -> None:
    thin = np.zeros((*shape, 3), np.uint8)
    files = encode(sample(picture=thin, anomaly_map=np.eye(3), mask=np.ones(shape, bool)), (0, 1))
    assert {opened(content).shape[:2] for content in files.values()} == {opened(files["map.webp"]).shape[:2]}


@pytest.mark.parametrize(
    "changes",
    [
        {"picture": np.zeros((4, 4), np.uint8)},
        {"picture": np.zeros((4, 4, 3))},
        {"anomaly_map": np.zeros(4)},
        {"anomaly_map": np.full((4, 4), np.nan)},
        {"mask": np.zeros((0, 4), bool)},
    ],
)
def test_bad_arrays_name_the_picture(changes) -> None:
    with pytest.raises(DataError, match=r"^a\.png: "):
        encode(sample(**changes), (0, 1))
