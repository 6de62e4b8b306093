"""How the result of an evaluation is printed, by `eval` and by `quickstart`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mambaad_cli import console

if TYPE_CHECKING:
    from mambaad_cli.engine.evaluation import Evaluation


def print_evaluation(run: Path, evaluation: Evaluation) -> None:
    """The table on stdout; notes and the way to the files on stderr."""
    from mambaad_cli.render.tables import metrics_table

    rows, settings = evaluation.rows(), evaluation.settings
    columns = [*settings["metrics"], *(["mad"] if evaluation.mean.mad is not None else [])]
    title = (
        f"{run.name}, epoch {settings['epoch']}, {settings['dataset']}, {settings['protocol']} protocol, "
        f"{settings['map_size']} px, percent"
    )
    data = {"schema": "mambaad.eval/1", "run": str(run), "settings": settings, "rows": rows}
    values = [value for name in reversed(columns) if (value := rows["mean"][name]) is not None]
    brief = f"{values[0]:.4f}" if values else "nan"
    console.result(metrics_table(rows, title, columns), data, brief)
    for name, part in {**evaluation.categories, "mean": evaluation.mean}.items():
        for metric, note in part.notes.items():
            console.say(f"[yellow]note:[/yellow] {name}, {metric}: {note}")
    console.say(f"[dim]written: {run / 'eval'}; next: mambaad visualize {run.name}[/dim]")
