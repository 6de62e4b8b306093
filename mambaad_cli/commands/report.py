"""`mambaad report`: one page about a run, or about several side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad report

mambaad report latest --single-file --out shared/report.html

mambaad report compare mvtec-20260102-101500 mvtec-20260103-090000"""


def report(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="A run [latest]; or compare and two runs or more, the first being what the others are "
            "compared with.",
            metavar="[RUN] | compare RUN RUN...",
            show_default=False,
        ),
    ] = None,
    single_file: options.SingleFile = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The page to write [report.html in the run; compare.html beside the runs].",
            metavar="FILE",
        ),
    ] = None,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 8,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a page about a run that works without server and internet, or set several runs side by side."""
    from mambaad_cli import console, env
    from mambaad_cli.engine.runs import find_run
    from mambaad_cli.errors import UsageError

    console.configure(as_json=as_json, quiet=quiet)
    if out is not None and out.suffix != ".html":
        raise UsageError(f"--out {out} is not the name of a page", f"for example: --out {out}.html")
    words = words or ["latest"]
    if words[0] == "compare":
        _compare(words[1:], out or env.runs_root() / "compare.html")
        return
    if len(words) > 1:
        raise UsageError(
            f"a report is about one run, not {len(words)}", f"mambaad report compare {' '.join(words)}"
        )
    folder = find_run(words[0])

    from mambaad_cli.commands.drawing import draw_and_print
    from mambaad_cli.engine.visualizing import Wanted, open_run

    shown = open_run(folder, data_dir or env.data_root(), device)
    draw_and_print(
        shown, Wanted(report=out or shown.run / "report.html", single_file=single_file), batch_size
    )


def _compare(names: list[str], out: Path) -> None:
    from mambaad_cli import console
    from mambaad_cli.engine.reporting import describe
    from mambaad_cli.engine.results import read_evaluation
    from mambaad_cli.engine.runs import find_run
    from mambaad_cli.errors import UsageError
    from mambaad_cli.render.report import write_comparison

    runs = [find_run(name) for name in names]
    if len({run.resolve() for run in runs}) < max(2, len(runs)):
        raise UsageError(
            f"a comparison needs two different runs or more, not: {' '.join(names) or 'none'}",
            "mambaad report compare RUN RUN",
        )
    page = write_comparison([describe(run, read_evaluation(run)) for run in runs], out)
    data = {"schema": "mambaad.report-compare/1", "report": str(page), "runs": [str(run) for run in runs]}
    console.result(f"{page}  (open it in a browser)", data, brief=str(page))
