"""How overlays and report of a run are drawn and announced, by `visualize` and `report`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mambaad_cli import console
from mambaad_cli.errors import DataError

if TYPE_CHECKING:
    from mambaad_cli.engine.visualizing import ShownRun, Wanted


def draw_and_print(shown: ShownRun, wanted: Wanted, batch_size: int) -> None:
    """Draw, print where everything is, and end with an error that names the pictures that are gone."""
    from mambaad_cli.engine.visualizing import draw_run

    drawn = draw_run(shown, wanted, batch_size)
    lines = []
    if wanted.rows:
        lines.append(f"{wanted.folder}  ({len(drawn.overlays)} overlays)")
    if wanted.report:
        lines.append(f"{wanted.report}  (open it in a browser)")
    data = {
        "schema": "mambaad.visualize/1",
        "files": [str(path) for path in drawn.overlays],
        "report": str(wanted.report) if wanted.report else None,
        "problems": drawn.problems,
    }
    console.result("\n".join(lines), data, brief=str(wanted.report or wanted.folder))
    if drawn.problems and console.Mode.json:  # the one object names them
        raise typer.Exit(DataError.exit_code)
    drawn.complain()
