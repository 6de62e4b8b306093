"""How the result of an evaluation is printed, by `eval` and by `quickstart`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mambaad_cli import console

if TYPE_CHECKING:
    from mambaad_cli.engine.results import Evaluation, Values


def print_evaluation(run: Path, evaluation: Evaluation, compare: bool = False) -> None:
    """The tables on stdout; notes and the way to the files on stderr."""
    from rich.console import Group

    from mambaad_cli.engine.results import reported_results
    from mambaad_cli.render.tables import metrics_table

    rows, intervals, settings = evaluation.rows(), evaluation.intervals(), evaluation.settings
    columns = [*settings["metrics"], *(["mad"] if rows["mean"]["mad"] is not None else [])]
    reported, sources = (
        reported_results(settings["dataset"], list(evaluation.categories)) if compare else ({}, {})
    )
    title = (
        f"{run.name}, epoch {settings['epoch']}, {settings['dataset']}, {settings['protocol']} protocol, "
        f"{settings['map_size']} px, percent\n"
        f"(smoothing sigma {settings['smoothing_sigma']:g}, AUPRO to FPR {settings['fpr_limit']:g}, "
        f"masks {settings['mask_rule']})"
    )
    tables = [metrics_table(rows, title, columns)]
    if intervals:
        tables.append(metrics_table(_ends(intervals), f"95 % of {settings['resamples']} resamples", columns))
    if reported:
        note = "reported by others; their budgets and protocols differ (see docs/metrics.md)"
        tables.append(metrics_table(reported, note, columns))
    data = {
        "schema": "mambaad.eval/1",
        "run": str(run),
        "settings": settings,
        "rows": rows,
        "intervals": intervals,
        "reported": reported,
        "sources": sources,
    }
    values = [value for name in reversed(columns) if (value := rows["mean"][name]) is not None]
    console.result(Group(*tables), data, brief=f"{values[0]:.4f}" if values else "nan")
    if reported:
        console.say(f"[dim]sources: {'; '.join(dict.fromkeys(sources.values()))}[/dim]")
    elif compare:
        console.say(f"nobody reports numbers for {settings['dataset']}")
    for name, result in evaluation.categories.items():
        for metric, text in result.metrics.notes.items():
            console.say(f"[yellow]note:[/yellow] {name}, {metric}: {text}")
    for metric, text in evaluation.mean.notes.items():
        console.say(f"[yellow]note:[/yellow] mean, {metric}: {text}")
    console.say(f"[dim]written: {run / 'eval'}; next: mambaad visualize {run.name}[/dim]")


def _ends(intervals: dict[str, dict[str, tuple[float, float]]]) -> dict[str, Values]:
    """Two rows per category: from and to."""
    rows: dict[str, Values] = {}
    for name, found in intervals.items():
        rows[f"{name}, from"] = {metric: low for metric, (low, _) in found.items()}
        rows[f"{name}, to"] = {metric: high for metric, (_, high) in found.items()}
    return rows
