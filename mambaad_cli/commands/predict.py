"""`mambaad predict`: look at new pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad predict latest part.png

mambaad predict latest new_pictures/ --category screw --out looked_at

mambaad predict mvtec-2026 part.png --threshold 0.2 --fail-on-anomaly"""


def predict(
    run: Annotated[str, typer.Argument(help="Run folder, a unique prefix of its name, or latest.")],
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", metavar="PATH...")],
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", help="Scores from here on are anomalous [the best F1 of the run's evaluation]."
        ),
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", help="What the pictures show: use its thresholds.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for scores.csv and overlays.", metavar="DIR")
    ] = None,
    fail_on_anomaly: Annotated[
        bool, typer.Option("--fail-on-anomaly", help="Exit with 10 when a picture is anomalous.")
    ] = False,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 8,
    scan_kernel: options.ScanKernel = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score new pictures with a run: score, verdict, and where the defect is."""
    from mambaad_cli import console
    from mambaad_cli.engine.runs import find_run
    from mambaad_cli.errors import DataError, Finding, UsageError

    console.configure(as_json=as_json, quiet=quiet)
    options.force_scan_kernel(scan_kernel)
    folder = find_run(run)

    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.engine.prediction import find_pictures, limits, predict

    pictures = find_pictures(paths)
    detector = Detector.load(folder, device)
    bounds = limits(detector.run, threshold, category)
    if fail_on_anomaly and bounds.image is None:
        raise UsageError(
            "--fail-on-anomaly needs a threshold", f"--threshold, or: mambaad eval {detector.run.name}"
        )
    console.say(f"run {detector.run.name}, epoch {detector.epoch}: {bounds.explanation}")
    broken, anomalous = [], 0
    for row in predict(detector, pictures, bounds, batch_size, out):
        if row.problem:
            broken.append(row.problem)
            console.say(f"[yellow]skipped:[/yellow] {row.problem}")
            continue
        anomalous += row.verdict == "anomalous"
        text = f"{row.score:.4f}  {row.verdict or '-':9}  {row.image}"
        console.result(text, {"schema": "mambaad.predict/1", **row.as_dict()}, brief=f"{row.score:.4f}")
    if out:
        console.say(f"[dim]written: {out}[/dim]")
    if broken:
        raise DataError(
            f"{len(broken)} of {len(pictures)} pictures could not be read, the first: {broken[0]}"
        )
    if fail_on_anomaly and anomalous:
        raise Finding(f"{anomalous} of {len(pictures)} pictures are anomalous")
