"""`mambaad visualize`: pictures of what a run sees, and of the paths that the scans take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mambaad_cli.commands import options

if TYPE_CHECKING:
    from mambaad_cli.data.index import Index
    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.engine.results import Evaluation

EPILOG = """\
Examples:

mambaad visualize --scan hilbert

mambaad visualize latest --category screw --worst 5

mambaad visualize latest --report"""


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
    report: Annotated[
        bool, typer.Option("--report", help="Write report.html of the whole run instead.")
    ] = False,
    single_file: Annotated[
        bool, typer.Option("--single-file", help="With --report: put the pictures into the page.")
    ] = False,
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
    """Draw overlays of a run's test pictures, its report, or the paths of the scans."""
    from mambaad_cli import console, env

    console.configure(as_json=as_json, quiet=quiet)
    if scan is not None:
        written = [_scan(scan, size, directions, over, out)]
    elif report or single_file:
        written = [_report(run, single_file, data_dir or env.data_root(), device, batch_size)]
    else:
        choice = {"category": category, "defect": defect, "worst": worst, "missed": missed}
        written = _overlays(run, choice, out, data_dir or env.data_root(), device, batch_size)
    several = scan is None and not (report or single_file)
    place = written[0].parents[2] if several else written[0]
    text = f"{place}  ({len(written)} overlays)" if several else str(place)
    data = {"schema": "mambaad.visualize/1", "files": [str(path) for path in written]}
    console.result(text, data, brief=str(place))


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
    name: str, choice: dict[str, Any], out: Path | None, data_dir: Path, device: str, batch_size: int
) -> list[Path]:
    from mambaad_cli import console
    from mambaad_cli.engine.gallery import choose_rows, draw_overlay, look

    detector, index, evaluation = _evaluated(name, data_dir, device)
    rows = choose_rows(evaluation, **choice)
    folder, written = out or detector.run / "overlays", []
    with console.task("drawing", len(rows)) as advance:
        for seen in look(detector, index, rows, batch_size):
            written.append(draw_overlay(evaluation, seen, folder))
            advance(1, seen.category)
    return written


def _report(name: str, single_file: bool, data_dir: Path, device: str, batch_size: int) -> Path:
    from mambaad_cli import console
    from mambaad_cli.engine.reporting import report_run

    detector, index, evaluation = _evaluated(name, data_dir, device)
    with console.task("reporting", len(evaluation.scores)) as advance:
        return report_run(detector, index, evaluation, advance, single_file, batch_size)


def _evaluated(name: str, data_dir: Path, device: str) -> tuple[Detector, Index, Evaluation]:
    """A run that has been evaluated, with the dataset it was evaluated on."""
    from mambaad_cli.data.index import open_dataset
    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.engine.results import read_evaluation
    from mambaad_cli.engine.runs import find_run

    run = find_run(name)
    evaluation = read_evaluation(run)
    detector = Detector.load(run, device)
    index = open_dataset(detector.recipe.data.dataset, data_dir, list(evaluation.categories))
    return detector, index, evaluation
