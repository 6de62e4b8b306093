"""The pictures of a report, small enough for ten thousand of them: picture, heat map and defect outline."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor
from scipy import ndimage

from mambaad_cli.errors import DataError
from mambaad_cli.render.canvas import SKY
from mambaad_cli.render.heat import heat_over
from mambaad_cli.render.overlays import touched
from mambaad_cli.render.report.data import ReportPicture

LONGEST = 320  # longer side of a stored picture, pixels
QUALITY = 80


def encode(sample: ReportPicture, scale: tuple[float, float]) -> dict[str, bytes]:
    """The files of one picture: "picture.webp", and where they are known "map.webp" and "mask.png".

    The heat map lies over the grey picture, its colours fixed by `scale`; the outline of the mask is
    transparent elsewhere. All have the same size.

    Raises:
        DataError: an array has the wrong shape, or the map holds NaN.
    """
    if sample.picture is None:
        return {}
    _check(sample)
    image = Image.fromarray(sample.picture)
    image.thumbnail((LONGEST, LONGEST))
    files = {"picture.webp": _bytes(image, "WEBP", quality=QUALITY)}
    if sample.anomaly_map is not None:
        heat = heat_over(image, sample.anomaly_map, *scale)
        files["map.webp"] = _bytes(heat, "WEBP", quality=QUALITY)
    if sample.mask is not None and sample.mask.any():
        files["mask.png"] = _bytes(_outline(sample.mask, image.size), "PNG", optimize=True)
    return files


def _outline(mask: NDArray[np.bool_], size: tuple[int, int]) -> Image.Image:
    """The border of the mask as sky blue line between dark ones on a transparent ground."""
    region = touched(mask, *size) > 0.5
    region = np.asarray(Image.fromarray(region).resize(size, Image.Resampling.NEAREST))
    inner = region & ~ndimage.binary_erosion(region, iterations=2)
    edge = ndimage.binary_dilation(inner) & ~inner
    page = np.zeros((*region.shape, 4), np.uint8)
    page[edge] = (26, 26, 26, 255)
    page[inner] = (*ImageColor.getrgb(SKY), 255)
    return Image.fromarray(page)


def _check(sample: ReportPicture) -> None:
    picture, heights, mask = sample.picture, sample.anomaly_map, sample.mask
    if picture is not None and (
        picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape
    ):
        raise DataError(
            f"{sample.name}: a picture must be (H, W, 3) uint8, this one is {picture.shape} {picture.dtype}"
        )
    for name, array in (("anomaly map", heights), ("mask", mask)):
        if array is not None and (array.ndim != 2 or array.size == 0):
            raise DataError(f"{sample.name}: the {name} must be (h, w), this one is {array.shape}")
    if heights is not None and not np.isfinite(heights).all():
        raise DataError(
            f"{sample.name}: the anomaly map holds NaN or infinite values",
            "the run may have diverged: see its training curve",
        )


def _bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
