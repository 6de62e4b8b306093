"""`mambaad visualize`: pictures of what a run sees, and of the paths that the scans take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad visualize --scan hilbert

mambaad visualize latest --category screw --worst 5

mambaad visualize --scan all --size 16x24 --out paths.svg"""


def visualize(
    run: options.Run = "latest",
    scan: Annotated[
        str | None,
        typer.Option("--scan", help="Draw the paths of a scan method (or all) instead.", metavar="METHOD"),
    ] = None,
    size: Annotated[str, typer.Option("--size", help="With --scan: the map, HxW pixels.")] = "16x16",
    directions: Annotated[int, typer.Option("--directions", help="With --scan: 2, 4 or 8.")] = 8,
    over: Annotated[
        Path | None, typer.Option("--over", help="With --scan: a picture to draw the paths on.")
    ] = None,
    category: Annotated[str | None, typer.Option("--category", help="Only this category.")] = None,
    defect: Annotated[str | None, typer.Option("--defect", help="Only this defect type (or good).")] = None,
    worst: Annotated[
        int | None, typer.Option("--worst", min=1, help="Only the so many highest scores.")
    ] = None,
    missed: Annotated[bool, typer.Option("--missed", help="Only pictures with a wrong verdict.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder (with --scan: PNG or SVG file) to write.")
    ] = None,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 8,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw overlays of a run's test pictures, or the paths of the scans."""
    from mambaad_cli import console, env

    console.configure(as_json=as_json, quiet=quiet)
    if scan is not None:
        written = [_scan(scan, size, directions, over, out)]
    else:
        written = _overlays(
            run, category, defect, worst, missed, out, data_dir or env.data_root(), device, batch_size
        )
    folder = written[0] if scan is not None else written[0].parents[2]
    text = str(folder) if scan is not None else f"{folder}  ({len(written)} overlays)"
    data = {"schema": "mambaad.visualize/1", "files": [str(path) for path in written]}
    console.result(text, data, brief=str(folder))


def _scan(method: str, size: str, directions: int, over: Path | None, out: Path | None) -> Path:
    import numpy as np

    from mambaad_cli.data.images import open_picture
    from mambaad_cli.errors import UsageError
    from mambaad_cli.render.canvas import save_figure
    from mambaad_cli.render.scan_paths import scan_figure, scan_sheet

    height, cross, width = size.partition("x")
    if not (cross and height.isdigit() and width.isdigit()):
        raise UsageError(f"--size {size} is not HxW", "for example: --size 16x16")
    picture = np.asarray(open_picture(over)) if over else None
    shape = (int(height), int(width), directions)
    figure = (
        scan_sheet(*shape, over=picture) if method == "all" else scan_figure(method, *shape, over=picture)
    )
    return save_figure(figure, out or Path(f"scan-{method}.png"))


def _overlays(
    name: str,
    category: str | None,
    defect: str | None,
    worst: int | None,
    missed: bool,
    out: Path | None,
    data_dir: Path,
    device: str,
    batch_size: int,
) -> list[Path]:
    from mambaad_cli import console
    from mambaad_cli.data.index import open_dataset
    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.engine.gallery import choose_rows, draw_overlays
    from mambaad_cli.engine.results import read_evaluation
    from mambaad_cli.engine.runs import find_run

    run = find_run(name)
    evaluation = read_evaluation(run)
    rows = choose_rows(evaluation, category, defect, worst, missed)
    detector = Detector.load(run, device)
    index = open_dataset(detector.recipe.data.dataset, data_dir, list(evaluation.categories))
    written = []
    with console.task("drawing", len(rows)) as advance:
        for path in draw_overlays(detector, index, evaluation, rows, out or run / "overlays", batch_size):
            written.append(path)
            advance(1, path.parent.name)
    return written
