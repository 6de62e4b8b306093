"""What a scan does to a picture: the sequence it makes, the way back, and a film of the walk.

In the film a pixel appears when the walk reads it and then fades to grey, as the memory of a state does. The
walker is an orange square (Okabe-Ito), which stays visible with every form of colour blindness.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import INK, ORANGE, add_axes, add_text, new_figure
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.orders import scan_order

Pixels = NDArray[np.uint8]
Route = NDArray[np.integer[Any]]

BLANK = 238  # grey of a pixel that has not been read
FADED = 0.25  # share of its colour that a long-read pixel keeps
MEMORY = 1 / 8  # share of the walk after which a pixel has lost 63 % of its colour
GAP, HEAD = 8, 22


def unroll(picture: NDArray[Any], path: Route) -> NDArray[Any]:
    """The picture (H, W, ...) as the sequence (L, ...) that a walk along `path` (L,) reads."""
    return picture.reshape(-1, *picture.shape[2:])[path]


def put_back(sequence: NDArray[Any], path: Route, height: int, width: int) -> NDArray[Any]:
    """The inverse of `unroll`: each element of the sequence (L, ...) at its pixel in (H, W, ...)."""
    picture = np.empty_like(sequence)
    picture[path] = sequence
    return picture.reshape(height, width, *sequence.shape[1:])


def survives(picture: Pixels, method: str, directions: int = 8) -> bool:
    """True when unrolling a picture (H, W, 3) and putting it back keeps every bit, in all directions."""
    height, width = picture.shape[:2]
    paths = scan_order(method, height, width, directions)
    return all(
        np.array_equal(put_back(unroll(picture, path), path, height, width), picture) for path in paths
    )


def sequence_figure(picture: Pixels, methods: Sequence[str] = METHODS, panel: int = 192) -> Figure:
    """The picture beside the sequence of each method, each sequence written line by line like a text.

    Neighbours in a line follow each other in the sequence: the smoother the lines, the better the method
    keeps together what belongs together.

    Args:
        picture: (H, W, 3) uint8.
        methods: names out of `mambaad_cli.scan.METHODS`.
        panel: the longer side of a panel in pixels.
    """
    height, width = _shape(picture)
    sequences = {
        name: unroll(picture, scan_order(name, height, width, 2)[0]).reshape(picture.shape)
        for name in methods
    }
    across, down = _panel_size(height, width, panel)
    figure = new_figure((len(methods) + 1) * (across + GAP) + GAP, down + HEAD + GAP)
    for number, (name, view) in enumerate({"picture": picture, **sequences}.items()):
        left = GAP + number * (across + GAP)
        add_text(figure, left, HEAD - 7, name)
        axes = add_axes(figure, left, HEAD, across, down)
        axes.set_axis_off()
        axes.imshow(view, interpolation="nearest", aspect="auto")
    return figure


def walk_frames(
    picture: Pixels, methods: Sequence[str] = METHODS, *, frames: int = 60, panel: int = 160
) -> list[Image.Image]:
    """The walk of each method over the picture, side by side, from the blank map to the last pixel.

    Args:
        picture: (H, W, 3) uint8; each of its pixels becomes one square.
        methods: names out of `mambaad_cli.scan.METHODS`.
        frames: how many pictures the film has at most.
        panel: the longer side of a panel in pixels.
    """
    height, width = _shape(picture)
    length = height * width
    paths = [scan_order(name, height, width, 2)[0] for name in methods]
    stops = np.unique(np.linspace(1, length, min(frames, length)).round().astype(int))
    return [
        _side_by_side([_after(picture, path, int(step)) for path in paths], methods, panel) for step in stops
    ]


def save_walk(path: str | Path, frames: Sequence[Image.Image], seconds: float = 6.0) -> Path:
    """Write a film as animated GIF or WebP, chosen by the suffix; it plays in a loop and rests at its end.

    Raises:
        UsageError: another suffix.
    """
    path = Path(path)
    if path.suffix.lower() not in (".gif", ".webp"):
        raise UsageError(f"a film cannot be written as {path}", "end the name with .gif or .webp")
    path.parent.mkdir(parents=True, exist_ok=True)
    pause = max(round(1000 * seconds / len(frames)), 20)
    durations = [*[pause] * (len(frames) - 1), 1500]
    aside = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        if path.suffix.lower() == ".gif":
            # The last frame holds every colour of the film but the blank and the walker: one palette for all.
            palette = _palette(frames)
            images = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
        else:
            images = list(frames)
        images[0].save(aside, save_all=True, append_images=images[1:], duration=durations, loop=0)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _palette(frames: Sequence[Image.Image]) -> Image.Image:
    """256 colours that suit the first, middle and last frame."""
    chosen = [frames[0], frames[len(frames) // 2], frames[-1]]
    sheet = Image.new("RGB", (chosen[0].width, sum(frame.height for frame in chosen)))
    for number, frame in enumerate(chosen):
        sheet.paste(frame, (0, number * frame.height))
    return sheet.quantize(256, method=Image.Quantize.MEDIANCUT)


def _after(picture: Pixels, path: Route, steps: int) -> Pixels:
    """The map after so many steps: (H, W, 3) uint8."""
    colours = picture.reshape(-1, 3).astype(np.float64)
    view = np.full_like(colours, BLANK)
    seen = path[:steps]
    age = np.arange(steps)[::-1] / len(path)
    fresh = (FADED + (1 - FADED) * np.exp(-age / MEMORY))[:, None]
    pale = 0.5 * colours[seen].mean(axis=1, keepdims=True) + 0.5 * BLANK
    view[seen] = fresh * colours[seen] + (1 - fresh) * pale
    if steps < len(path):
        view[seen[-1]] = ImageColor.getrgb(ORANGE)
    return view.round().astype(np.uint8).reshape(picture.shape)


def _side_by_side(views: Sequence[Pixels], names: Sequence[str], panel: int) -> Image.Image:
    """Views of one shape in a row, each enlarged without smoothing and named above."""
    height, width = views[0].shape[:2]
    size = _panel_size(height, width, panel)
    page = Image.new("RGB", (len(views) * (size[0] + GAP) + GAP, size[1] + HEAD + GAP), "white")
    pen = ImageDraw.Draw(page)
    font = ImageFont.load_default(13)
    for number, (view, name) in enumerate(zip(views, names, strict=True)):
        left = GAP + number * (size[0] + GAP)
        pen.text((left, 4), name, fill=INK, font=font)
        resample = Image.Resampling.NEAREST if panel >= max(height, width) else Image.Resampling.BOX
        page.paste(Image.fromarray(view).resize(size, resample), (left, HEAD))
    return page


def _panel_size(height: int, width: int, longest: int) -> tuple[int, int]:
    """(width, height) in pixels: the map's shape, wide enough for a name and never invisibly thin."""
    scale = longest / max(height, width)
    return max(round(width * scale), 48), max(round(height * scale), 8)


def _shape(picture: Pixels) -> tuple[int, int]:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise DataError(f"a picture must be (H, W, 3) uint8; this one is {picture.shape} {picture.dtype}")
    return picture.shape[0], picture.shape[1]
