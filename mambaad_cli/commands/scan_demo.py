"""`mambaad scan-demo`: what the scans do to a picture, and which kernel is fast here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mambaad_cli.commands import options

if TYPE_CHECKING:
    from PIL.Image import Image

    from mambaad_cli.render.influence import Influence

EPILOG = """\
Examples:

mambaad scan-demo

mambaad scan-demo part.png --out walk --webp

mambaad scan-demo part.png --influence 120,80 --run latest"""


def scan_demo(
    picture: Annotated[
        Path | None,
        typer.Argument(
            help="Picture to walk over [a brick wall that comes along].",
            metavar="[PICTURE]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the film and the pictures.", metavar="DIR")
    ] = Path("scan-demo"),
    webp: Annotated[bool, typer.Option("--webp", help="Write the film as WebP instead of GIF.")] = False,
    influence: Annotated[
        str | None,
        typer.Option(
            "--influence",
            help="Also show which pixels matter to this one under a trained run.",
            metavar="ROW,COL",
        ),
    ] = None,
    run: Annotated[str, typer.Option("--run", help="With --influence: the run.")] = "latest",
    device: options.Device = "auto",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what the scans do to a picture: there and back, locality, a film of the walk, kernel speed."""
    from mambaad_cli import console
    from mambaad_cli.render.demo import demo_view, load_picture, with_influence
    from mambaad_cli.render.demo import scan_demo as show

    console.configure(as_json=as_json, quiet=quiet)
    image = load_picture(picture)
    found = None
    if influence is not None:
        found = _influence(run, device, image, *_pixel(influence, image.height, image.width))
    demo = show(picture, out, "webp" if webp else "gif")
    if found is not None:
        demo = with_influence(demo, found, image, out / "influence.png")
    console.result(demo_view(demo), demo.as_dict(), brief=str(demo.files[0]))


def _pixel(text: str, height: int, width: int) -> tuple[int, int]:
    """ "120,80" -> (120, 80), a pixel of the picture."""
    import re

    from mambaad_cli.errors import UsageError

    pixel = re.fullmatch(r"([0-9]{1,6}),([0-9]{1,6})", text)
    if pixel is None:
        raise UsageError(f"--influence {text} is not ROW,COL", "for example: --influence 120,80")
    row, column = int(pixel[1]), int(pixel[2])
    if row >= height or column >= width:
        raise UsageError(f"--influence {text} is not on the picture of {height} x {width} pixels")
    return row, column


def _influence(run: str, device: str, image: Image, row: int, column: int) -> Influence:
    """What the last HSS block of a run, at its finest map, remembers at a pixel of the picture."""
    from torch import Tensor

    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.model.hss import HSSBlock
    from mambaad_cli.render.influence import measure_influence

    detector = Detector.load(run, device)
    block = [module for module in detector.model.modules() if isinstance(module, HSSBlock)][-1]
    seen: list[Tensor] = []
    hook = block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    detector.predict([image])
    hook.remove()
    _, height, width, _ = seen[0].shape
    place = row * height // image.height, column * width // image.width
    # Without the shortcut around the block, which passes a pixel on to itself.
    return measure_influence(lambda x: block(x) - x, seen[0], *place)
