"""Several runs side by side on one page."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mambaad_cli.errors import UsageError
from mambaad_cli.render.report.charts import losses_chart
from mambaad_cli.render.report.data import Report
from mambaad_cli.render.report.templates import render
from mambaad_cli.render.tables import HEADERS


def write_comparison(reports: Sequence[Report], path: str | Path) -> Path:
    """Write a page that sets runs side by side: metrics and their differences, losses, recipes.

    Args:
        reports: at least two, the one that the others are compared with first; pictures are not needed.
        path: the page to write, complete or not at all; needs no server and no internet.

    Raises:
        UsageError: fewer than two runs.
    """
    if len(reports) < 2:
        raise UsageError("a comparison needs two runs or more", "mambaad report compare RUN RUN")
    path = Path(path)
    render("compare.html", path, **_content(reports))
    return path


def _content(reports: Sequence[Report]) -> dict[str, Any]:
    rows = [row for report in reports for row in report.metrics.values()]
    facts = dict.fromkeys(name for report in reports for name in report.facts)
    metrics = {name: header for name, header in HEADERS.items() if any(name in row for row in rows)}
    names = dict.fromkeys(name for report in reports for name in report.metrics if name != "mean")

    def values(category: str, metric: str) -> list[float | None]:
        return [report.metrics.get(category, {}).get(metric) for report in reports]

    first, *others = reports
    return {
        "title": " / ".join(report.title for report in reports),
        "reports": reports,
        "notes": _notes(reports),
        "facts": [(name, [report.facts.get(name, "-") for report in reports]) for name in facts],
        "means": [(header, values("mean", metric)) for metric, header in metrics.items()],
        "categories": {
            header: [(name, values(name, metric)) for name in names] for metric, header in metrics.items()
        },
        "charts": {"training": losses_chart(reports)},
        "recipes": [(report.title, _difference(first, report)) for report in others],
    }


def _notes(reports: Sequence[Report]) -> list[str]:
    """What keeps the numbers of these runs from being comparable."""
    notes = []
    if len({frozenset(report.metrics) for report in reports}) > 1:
        notes.append("The means are of different categories: compare the categories that the runs share.")
    for name in ("dataset", "protocol", "map_size", "fpr_limit"):
        values = dict.fromkeys(str(report.facts.get(name, "-")) for report in reports)
        if len(values) > 1:
            notes.append(f"The runs were measured with different {name}: {', '.join(values)}.")
    return notes


def _difference(first: Report, other: Report) -> list[str]:
    """The lines in which two recipes differ, - in the first, + in the other."""
    lines = difflib.unified_diff(first.recipe.splitlines(), other.recipe.splitlines(), lineterm="", n=1)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]
