"""Pictures and masks as arrays, against formulas written out here and against Pillow's own steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.data.images import full_mask, read_image, read_mask
from mambaad_cli.errors import DataError

RNG = np.random.default_rng(0)


def save(path: Path, pixels: Any, mode: str | None = None) -> Path:
    Image.fromarray(pixels, mode).save(path)
    return path


def test_a_halved_picture_by_hand(tmp_path: Path) -> None:
    """Bilinear halving weighs four neighbours 1, 3, 3, 1 along each axis, fewer at the edge."""
    pixels = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    weights = np.zeros((4, 8))
    for i in range(4):
        for k, weight in zip(range(2 * i - 1, 2 * i + 3), (1, 3, 3, 1), strict=True):
            if 0 <= k < 8:
                weights[i, k] = weight
    weights /= weights.sum(axis=1, keepdims=True)
    expected = np.einsum("ik,jl,klc->ijc", weights, weights, pixels.astype(float))
    found = read_image(save(tmp_path / "a.png", pixels), 4)
    assert found.shape == (4, 4, 3)
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() <= 1


def test_both_sides_are_resized(tmp_path: Path) -> None:
    pixels = np.zeros((30, 90, 3), dtype=np.uint8)
    pixels[:, 45:] = 200
    found = read_image(save(tmp_path / "a.png", pixels), 10)
    assert found[:, :4].max() == 0
    assert found[:, 6:].min() == 200


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(RNG.integers(0, 256, (16, 16), dtype=np.uint8))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        picture = grey.convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    picture.save(path)
    found = read_image(path, 16)
    assert found.shape == (16, 16, 3)
    if mode != "1":
        assert np.abs(found[..., 0].astype(int) - np.asarray(grey)).max() <= 1
        assert (found[..., 0] == found[..., 2]).all()


@pytest.mark.parametrize("value", [1, 3, 9, 255])
def test_mask_values_are_ids(tmp_path: Path, value: int) -> None:
    pixels = np.zeros((20, 20), dtype=np.uint8)
    pixels[4:12, 6:18] = value
    path = save(tmp_path / "m.png", pixels)
    assert (full_mask(path) == (pixels > 0)).all()
    assert (read_mask(path, 20) == (pixels > 0)).all()


def test_palette_mask_with_dark_colours(tmp_path: Path) -> None:
    mask = Image.fromarray(np.array([[0, 1], [2, 0]], dtype=np.uint8)).convert("P")
    mask.putpalette([0, 0, 0, 0, 0, 1, 90, 0, 0])
    mask.save(tmp_path / "m.png")
    assert full_mask(tmp_path / "m.png").tolist() == [[False, True], [True, False]]


def test_mask_is_made_binary_before_it_is_resized(tmp_path: Path) -> None:
    """A faint mark weighs as much as a bright one, and more than half of a pixel must be marked."""
    pixels = np.zeros((8, 8), dtype=np.uint8)
    pixels[:, [0, 1, 5]] = 1
    expected = np.zeros((4, 4), dtype=bool)
    expected[:, 0] = True  # 6/7 of its weight; the next columns have 1/8, 3/8 and 1/7
    assert (read_mask(save(tmp_path / "m.png", pixels), 4) == expected).all()


def test_normal_picture_has_an_empty_mask() -> None:
    mask = read_mask(None, 7)
    assert mask.shape == (7, 7)
    assert mask.dtype == np.bool_
    assert not mask.any()


def test_mask_of_another_size(tmp_path: Path) -> None:
    image = save(tmp_path / "image.png", np.zeros((20, 30, 3), dtype=np.uint8))
    mask = save(tmp_path / "mask.png", np.zeros((20, 20), dtype=np.uint8))
    with pytest.raises(DataError) as caught:
        read_mask(mask, 8, image)
    assert str(mask) in caught.value.message
    assert "20 x 20" in caught.value.message
    assert "30 x 20" in caught.value.message


@pytest.mark.parametrize("damage", ["empty", "missing", "text", "truncated png", "truncated jpg"])
def test_broken_pictures_are_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / ("a.jpg" if damage.endswith("jpg") else "a.png")
    save(path, RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "text": b"no picture"}.get(damage, content[: len(content) // 2]))
    for reading in (lambda: read_image(path, 8), lambda: read_mask(path, 8)):
        with pytest.raises(DataError) as caught:
            reading()
        assert str(path) in caught.value.message
        assert caught.value.hint


def test_picture_under_a_wrong_ending(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    save(tmp_path / "a.png", pixels).rename(tmp_path / "a.jpg")
    assert (read_image(tmp_path / "a.jpg", 8) == pixels).all()
