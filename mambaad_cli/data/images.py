"""Pictures and masks as arrays, resized as the published protocol does it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mambaad_cli.errors import DataError

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for a picture that is not one, is cut short or is absurdly large."""


def read_image(path: Path, size: int) -> NDArray[np.uint8]:
    """The picture at `path` as RGB, both sides resized to `size` with Pillow's bilinear filter.

    Returns:
        (size, size, 3) uint8. Grey pictures have three equal channels, 16-bit ones are scaled to 8 bits.

    Raises:
        DataError: the file is missing, empty or broken.
    """
    return resize_picture(open_picture(path), size)


def open_picture(path: Path) -> Image.Image:
    """The picture at `path` as RGB in its own size; `DataError` when it is missing, empty or broken."""
    return _to_rgb(_decode(path))


def resize_picture(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    """A decoded picture as `read_image` returns it: (size, size, 3) uint8."""
    return np.asarray(_to_rgb(picture).resize((size, size), Image.Resampling.BILINEAR))


def read_mask(path: Path | None, size: int, image: Path | None = None) -> NDArray[np.bool_]:
    """The mask at `path`: non-black is defect at full size, then bilinear to `size`, then above one half.

    Args:
        path: file of the mask; None for a normal picture, which has an empty mask.
        size: sides of the result in pixels.
        image: the picture of the mask, whose size it must have; None = not compared.

    Returns:
        (size, size) bool.

    Raises:
        DataError: the file is missing, empty or broken, or of another size than its picture.
    """
    if path is None:
        return np.zeros((size, size), dtype=np.bool_)
    defect = full_mask(path)
    height, width = defect.shape
    if image is not None and picture_size(image) != (width, height):
        expected = "{} x {}".format(*picture_size(image))
        raise DataError(f"mask {path} is {width} x {height}, but its picture {image} is {expected}")
    scaled = Image.fromarray(defect.astype(np.uint8) * np.uint8(255)).resize(
        (size, size), Image.Resampling.BILINEAR
    )
    return np.asarray(np.asarray(scaled) / 255 > 0.5)


def full_mask(path: Path) -> NDArray[np.bool_]:
    """The mask at `path` in its own size (H, W): True where it is not black (255, 1 or the id of a class)."""
    mask = _decode(path)
    values = np.asarray(
        mask if mask.mode in ("1", "L", "F") or mask.mode.startswith("I") else mask.convert("RGB")
    )
    return np.asarray(values.any(axis=2) if values.ndim == 3 else values > 0)


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) of the picture at `path`, from its header; `DataError` when it has none."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _decode(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return picture
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture.convert("RGB")


def _unreadable(path: Path, error: Exception) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"picture {path} is not there any more", "put it back, or fetch the dataset again")
    if path.is_file() and path.stat().st_size == 0:
        return DataError(f"picture {path} is empty (0 bytes)", "replace it, or fetch the dataset again")
    return DataError(f"picture {path} cannot be read: {error}", "replace it, or fetch the dataset again")
