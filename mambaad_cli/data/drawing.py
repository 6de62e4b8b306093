"""Draws the sample set: crops of real textures, and defects with exact masks on some of them.

Train pictures are crops of the left half of a texture, test pictures of the right half: no pixel is in both.
A defect function takes a picture (H, W) float32, 0 to 255, and a random generator, and returns the damaged
picture and the mask (H, W) bool of the pixels it touched; all other pixels are unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]
Draw = Callable[[Picture, np.random.Generator], tuple[Picture, Mask]]

SIDE = 256
TRAIN, NORMAL, PER_DEFECT = 28, 8, 4

README = """\
The sample set of mambaad: real textures, artificial defects. A sample to try the program on, not a benchmark.

Textures: brick, grass and gravel, CC0 photographs distributed with scikit-image.
Train pictures are crops of the left half of each texture, test pictures of the right half.
Defects (scratch, stain, hole, thread) are drawn by a program; their masks are exact.
Layout: that of MVTec AD.
"""


def draw_sample_set(root: Path, categories: Iterable[str]) -> None:
    """Write the sample set of the textures `categories` into `root`: the same pixels every time."""
    for number, category in enumerate(categories):
        texture = getattr(skimage.data, category)().astype(np.float32)
        _draw_category(root / category, texture, np.random.default_rng(number))
    (root / "README.md").write_text(README, encoding="utf-8")


def _draw_category(home: Path, texture: Picture, rng: np.random.Generator) -> None:
    left, right = texture[:, :SIDE], texture[:, SIDE:]
    for index in range(TRAIN):
        _write(home / "train" / "good" / f"{index:03}.png", _take(left, index / (TRAIN - 1), rng))
    for index in range(NORMAL):
        _write(home / "test" / "good" / f"{index:03}.png", _take(right, index / (NORMAL - 1), rng))
    for draw in (scratch, stain, hole, thread):
        for index in range(PER_DEFECT):
            picture, mask = draw(_take(right, rng.uniform(), rng), rng)
            _write(home / "test" / draw.__name__ / f"{index:03}.png", picture)
            _write(home / "ground_truth" / draw.__name__ / f"{index:03}_mask.png", 255 * mask)


def _take(strip: Picture, position: float, rng: np.random.Generator) -> Picture:
    """A crop (SIDE, SIDE) of `strip` (H, SIDE) in varying light; `position` 0 = its top, 1 = its bottom."""
    top = round(position * (strip.shape[0] - SIDE))
    crop = strip[top : top + SIDE]
    if rng.uniform() < 0.5:
        crop = crop[:, ::-1]
    light = rng.uniform(0.95, 1.05) + np.linspace(-1, 1, SIDE) * rng.uniform(-0.05, 0.05)
    return np.clip(crop * light, 0, 255).astype(np.float32)


def _write(path: Path, picture: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(picture).astype(np.uint8)).save(path)


def scratch(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    """A thin line, dark or bright."""
    distance = _distance_to_curve(picture.shape, rng, length=rng.uniform(70, 150), bend=0.6)
    opacity = _fade(distance, rng.uniform(1.2, 2.0), edge=1.2)
    tone = 25.0 if rng.uniform() < 0.5 else 230.0
    return _blend(picture, opacity * rng.uniform(0.65, 0.85), np.full_like(picture, tone))


def stain(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    """A wet patch: the texture stays visible but is darker and flatter."""
    radius = rng.uniform(20, 38)
    opacity = _fade(_blob(picture.shape, rng), radius, edge=6.0)
    return _blend(picture, opacity, 0.5 * picture + 0.06 * picture.mean())


def hole(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    """A small pit with a dark floor."""
    radius = rng.uniform(8, 15)
    opacity = _fade(_blob(picture.shape, rng), radius, edge=2.0)
    return _blend(picture, opacity, 12.0 + 0.12 * picture)


def thread(picture: Picture, rng: np.random.Generator) -> tuple[Picture, Mask]:
    """A bright fibre that lies on the surface, rounder in the middle than at its edges."""
    distance = _distance_to_curve(picture.shape, rng, length=rng.uniform(110, 190), bend=2.2)
    width = rng.uniform(2.2, 3.2)
    shade = 215.0 - 90.0 * np.clip(distance / width, 0, 1) ** 2
    return _blend(picture, _fade(distance, width, edge=1.0), shade.astype(np.float32))


def _blend(picture: Picture, opacity: Picture, paint: Picture) -> tuple[Picture, Mask]:
    """Cover `picture` with `paint`. Opacities below 0.15 count as untouched."""
    mask = opacity >= 0.15
    return np.where(mask, picture + opacity * (paint - picture), picture), mask


def _fade(distance: Picture, reach: float, edge: float) -> Picture:
    """Opacity 1 up to `reach` pixels, then falling to 0 over `edge` pixels."""
    return np.asarray(np.clip(1 + (reach - distance) / edge, 0, 1), dtype=np.float32)


def _distance_to_curve(
    shape: tuple[int, ...], rng: np.random.Generator, length: float, bend: float
) -> Picture:
    """Distance in pixels to a smooth curve of `length` pixels that turns by at most `bend` radians."""
    steps = int(length)
    turn = np.cumsum(np.full(steps, rng.uniform(-bend, bend) / steps))
    sway = 0.25 * bend * np.sin(np.linspace(0, rng.uniform(2, 6), steps))
    heading = rng.uniform(0, 2 * np.pi) + turn + sway
    y, x = np.cumsum(np.sin(heading)), np.cumsum(np.cos(heading))
    centre = rng.uniform(0.35, 0.65, 2) * shape
    y, x = y - y.mean() + centre[0], x - x.mean() + centre[1]
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = np.full(shape, np.inf)
    for row, column in zip(y, x, strict=True):
        np.minimum(distance, (rows - row) ** 2 + (columns - column) ** 2, out=distance)
    return np.asarray(np.sqrt(distance), dtype=np.float32)


def _blob(shape: tuple[int, ...], rng: np.random.Generator) -> Picture:
    """Distance in pixels to a random centre, warped so that a circle becomes an irregular outline."""
    centre = rng.uniform(0.2, 0.8, 2) * shape
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    angle = np.arctan2(rows - centre[0], columns - centre[1])
    outline = np.ones(shape)
    for wave in (2, 3, 5):
        outline += rng.uniform(0.05, 0.5 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    return np.asarray(np.hypot(rows - centre[0], columns - centre[1]) / outline, dtype=np.float32)
