"""`mambaad visualize`: pictures of what a run sees, and of the paths that the scans take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad visualize

mambaad visualize latest --category screw --worst 5 --scales

mambaad visualize --scan hilbert --size 16x16"""

SCAN, CHOICE = "Paths of the scans", "Which pictures (then no report, unless asked for)"


def visualize(
    run: options.Run = "latest",
    category: Annotated[
        str | None, typer.Option("--category", help="Only this category.", rich_help_panel=CHOICE)
    ] = None,
    defect: Annotated[
        str | None, typer.Option("--defect", help="Only this defect type (or good).", rich_help_panel=CHOICE)
    ] = None,
    worst: Annotated[
        int | None,
        typer.Option("--worst", min=1, help="So many with the highest scores.", rich_help_panel=CHOICE),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option("--best", min=1, help="So many with the lowest scores.", rich_help_panel=CHOICE),
    ] = None,
    missed: Annotated[
        bool, typer.Option("--missed", help="Only wrong verdicts.", rich_help_panel=CHOICE)
    ] = False,
    overlays: Annotated[bool, typer.Option("--overlays", help="Only the overlays.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Only the report, as mambaad report does.")
    ] = False,
    single_file: options.SingleFile = False,
    scales: Annotated[
        bool, typer.Option("--scales", help="Show the map of each scale in the overlays too.")
    ] = False,
    picture_format: Annotated[
        str, typer.Option("--format", help="Of the overlays: png, jpg or webp.", metavar="FORMAT")
    ] = "png",
    scan: Annotated[
        str | None,
        typer.Option(
            "--scan",
            help="Draw the paths of a method instead: sweep, scan, zorder, zigzag, hilbert, or all.",
            metavar="METHOD",
            rich_help_panel=SCAN,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", help="The map in pixels [16x16].", metavar="HxW", rich_help_panel=SCAN),
    ] = None,
    directions: Annotated[
        int | None,
        typer.Option("--directions", help="2, 4 or 8 [8].", show_default=False, rich_help_panel=SCAN),
    ] = None,
    over: Annotated[
        Path | None,
        typer.Option("--over", help="A picture to draw the paths on.", rich_help_panel=SCAN),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Folder of the overlays [overlays in the run]; with --scan a file, or its name without "
            "ending for PNG and SVG.",
        ),
    ] = None,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 8,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw overlays and report of a run's test pictures, or the paths of the scans."""
    from mambaad_cli import console, env
    from mambaad_cli.engine.runs import find_run
    from mambaad_cli.errors import UsageError

    console.configure(as_json=as_json, quiet=quiet)
    if scan is not None:
        _scan(scan, size or "16x16", directions or 8, over, out)
        return
    if size or directions or over:
        raise UsageError("--size, --directions and --over need --scan", "mambaad visualize --scan hilbert")
    if picture_format not in ("png", "jpg", "webp"):
        raise UsageError(f"--format {picture_format} is not png, jpg or webp", "--format png")
    folder = find_run(run)

    from mambaad_cli.commands.drawing import draw_and_print
    from mambaad_cli.engine.gallery import choose_rows
    from mambaad_cli.engine.visualizing import Wanted, open_run

    choice: dict[str, Any] = {
        "category": category,
        "defect": defect,
        "worst": worst,
        "best": best,
        "missed": missed,
    }
    chosen = overlays or any(choice.values())
    shown = open_run(folder, data_dir or env.data_root(), device)
    rows = choose_rows(shown.evaluation, **choice) if chosen or not report else []
    wanted = Wanted(
        rows=rows,
        folder=out or shown.run / "overlays",
        suffix=f".{picture_format}",
        scales=scales,
        report=shown.run / "report.html" if report or single_file or not chosen else None,
        single_file=single_file,
    )
    draw_and_print(shown, wanted, batch_size)


def _scan(method: str, size: str, directions: int, over: Path | None, out: Path | None) -> None:
    import re

    import numpy as np

    from mambaad_cli import console
    from mambaad_cli.data.images import open_picture
    from mambaad_cli.errors import UsageError
    from mambaad_cli.render.canvas import save_figure
    from mambaad_cli.render.scan_paths import scan_figure, scan_sheet

    sides = re.fullmatch(r"([0-9]{1,6})x([0-9]{1,6})", size)
    if sides is None:
        raise UsageError(f"--size {size} is not HxW", "for example: --size 16x16")
    picture = np.asarray(open_picture(over)) if over else None
    shape = (int(sides[1]), int(sides[2]), directions)
    figure = (
        scan_sheet(*shape, over=picture) if method == "all" else scan_figure(method, *shape, over=picture)
    )
    name = out or Path(f"scan-{method}")
    files = [name] if name.suffix else [name.with_suffix(".png"), name.with_suffix(".svg")]
    written = [str(save_figure(figure, file)) for file in files]
    data = {"schema": "mambaad.visualize/1", "files": written}
    console.result("\n".join(written), data, brief=written[0])
