"""Everything that `mambaad scan-demo` shows: the way there and back, locality, the film, the kernels."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mambaad_cli.data.images import open_picture
from mambaad_cli.errors import MambaadError
from mambaad_cli.render.canvas import save_figure
from mambaad_cli.render.influence import Influence, influence_figure
from mambaad_cli.render.kernel_race import CHANNELS, DIRECTIONS, KernelTime, race
from mambaad_cli.render.scan_paths import scan_sheet
from mambaad_cli.render.tables import plain_table
from mambaad_cli.render.walk import save_walk, sequence_figure, survives, walk_frames
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.locality import Locality, locality

SIZES = (16, 32, 64)  # sides of the network's maps for a picture of 256 px
LONGEST = 128  # a larger picture is reduced to this before it is unrolled
FILM = 32  # longer side of the map in the film
MEANING = (
    "step: pixels from one read to the next. apart: steps between two pixels that touch, on average. "
    "within 16: share of touching pixels that are read within 16 steps. hilbert never jumps and keeps most "
    "neighbours close on a map of any size, where walks row by row keep half; it pays with a few that it "
    "tears far apart."
)


@dataclass(frozen=True)
class Demo:
    """What was found out about the scans on one picture.

    Attributes:
        picture: where it came from.
        shape: (H, W) that was unrolled.
        locality: per map side, per method.
        kernels: per kernel, the time on the picture's map and the agreement with the reference.
        files: the pictures that were written, the film first.
        influence: how far the memory of a trained run reaches, if that was asked for.
    """

    picture: str
    shape: tuple[int, int]
    locality: dict[int, dict[str, Locality]]
    kernels: list[KernelTime]
    files: list[Path]
    influence: Influence | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for --json."""
        data: dict[str, Any] = {
            "schema": "mambaad.scan-demo/1",
            "picture": self.picture,
            "shape": self.shape,
            "bit_equal": list(METHODS),
            "locality": {
                side: {method: asdict(part) for method, part in rows.items()}
                for side, rows in self.locality.items()
            },
            "kernels": [asdict(part) for part in self.kernels],
            "files": [str(path) for path in self.files],
        }
        if found := self.influence:
            pixel = {"row": found.row, "column": found.column, "map": found.strength.shape}
            data["influence"] = {**pixel, "radius_50": found.radius(0.5), "radius_90": found.radius(0.9)}
        return data


def scan_demo(picture: Path | None, folder: Path, film: str = "gif") -> Demo:
    """Walk over a picture with every method, and write a film, the sequences and the paths into `folder`.

    Args:
        picture: any picture file; None takes a brick wall that comes with scikit-image.
        folder: made if it is not there.
        film: "gif" or "webp".

    Raises:
        DataError: the picture is missing or broken.
    """
    name = "brick wall (scikit-image)" if picture is None else str(picture)
    image = load_picture(picture)
    large = _reduced(image, LONGEST)
    for method in METHODS:
        if not survives(large, method):
            raise MambaadError(
                f"{method} does not put {name} back together", "this is a bug: please report it"
            )
    small = _reduced(image, FILM)
    files = [save_walk(folder / f"walk.{film}", walk_frames(small)), folder / "sequences.png"]
    save_figure(sequence_figure(large), files[1])
    files.append(save_figure(scan_sheet(8, 8), folder / "paths.png"))
    side = SIZES[-1]
    return Demo(
        picture=name,
        shape=large.shape[:2],
        locality={side: {method: locality(method, side, side) for method in METHODS} for side in SIZES},
        kernels=race(np.asarray(image.resize((side, side), Image.Resampling.BOX))),
        files=files,
    )


def load_picture(path: Path | None) -> Image.Image:
    """The picture at `path` in RGB; without one a brick wall that comes with scikit-image."""
    if path is not None:
        return open_picture(path)
    from skimage import data

    wall = data.brick()  # type: ignore[no-untyped-call]
    return Image.fromarray(wall).convert("RGB")


def with_influence(demo: Demo, found: Influence, image: Image.Image, path: Path) -> Demo:
    """The findings and the influence on a pixel, which is drawn over `image` into `path`."""
    title = f"pixel {found.row},{found.column} of the map"
    written = save_figure(influence_figure(np.asarray(image), found, title), path)
    return replace(demo, influence=found, files=[*demo.files, written])


def demo_view(demo: Demo) -> RenderableType:
    """The findings for a terminal."""
    height, width = demo.shape
    there_and_back = (
        f"{demo.picture}, {height} x {width}: unrolled along 8 directions and put back, "
        f"bit for bit the same, by {', '.join(METHODS)}."
    )
    files = "\n".join(f"written: {path}" for path in demo.files)
    return Group(
        _paragraph(there_and_back),
        _locality_table(demo),
        _paragraph(MEANING),
        _kernel_table(demo),
        *(_paragraph(f"{part.kernel}: {part.note}") for part in demo.kernels if part.note),
        *_influence_text(demo),
        Text("\n" + files),
    )


def _paragraph(text: str) -> Text:
    return Text(textwrap.fill(text, 78) + "\n")


def _influence_text(demo: Demo) -> list[Text]:
    if demo.influence is None:
        return []
    found = demo.influence
    height, width = found.strength.shape
    text = (
        f"influence on pixel {found.row},{found.column} of the run's last map of {height} x {width}: "
        f"half of it lies within {found.radius(0.5):.1f} pixels, 90 % within {found.radius(0.9):.1f}"
    )
    return [Text(), _paragraph(text)]


def _locality_table(demo: Demo) -> Table:
    table = plain_table("locality", "method", ["map", "step", "apart", "within 16"])
    for method in METHODS:
        for side, rows in demo.locality.items():
            part = rows[method]
            name = method if side == SIZES[0] else ""
            table.add_row(
                name,
                f"{side} x {side}",
                f"{part.mean_step:.2f}",
                f"{part.mean_distance:.1f}",
                f"{100 * part.near_share:.1f} %",
            )
    return table


def _kernel_table(demo: Demo) -> Table:
    side = SIZES[-1]
    title = f"one scan of a {side} x {side} map, {CHANNELS} channels, {DIRECTIONS} directions"
    table = plain_table(title, "kernel", ["time", "speed", "off by"])
    slowest = demo.kernels[0].seconds or 0.0
    for part in demo.kernels:
        if part.seconds is None:
            table.add_row(part.kernel, "-", "-", "-")
        else:
            ratio, error = slowest / part.seconds, part.difference or 0.0
            table.add_row(part.kernel, f"{1000 * part.seconds:.1f} ms", f"{ratio:.0f} x", f"{error:.0e}")
    return table


def _reduced(image: Image.Image, longest: int) -> NDArray[np.uint8]:
    """The picture as (H, W, 3), its longer side at most `longest`."""
    scale = min(1, longest / max(image.size))
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return np.asarray(image.resize(size, Image.Resampling.BOX))
