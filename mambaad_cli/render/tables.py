"""Results as a table for the terminal: categories as rows, metrics as columns, percent with one decimal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import Box
from rich.table import Table
from rich.text import Text

HEADERS: dict[str, str] = {
    "image_auroc": "I-AUROC",
    "image_ap": "I-AP",
    "image_f1max": "I-F1",
    "pixel_auroc": "P-AUROC",
    "pixel_ap": "P-AP",
    "pixel_f1max": "P-F1",
    "pixel_aupro": "AUPRO",
    "mad": "mAD",
}

# Rules of plain dashes look the same in a terminal, a log file, a mail and a pipe that knows only ASCII.
DASHES = Box("    \n    \n--- \n    \n--- \n--- \n    \n    \n", ascii=True)


def percent(value: float | None) -> str:
    """0.98765 -> "98.8"; None or NaN, a metric that is not defined here, -> "-"."""
    return "-" if value is None or value != value else f"{100 * value:.1f}"


def plain_table(title: str | None, first: str, others: Sequence[str]) -> Table:
    """An empty table: a left-aligned first column, right-aligned others, rules of dashes."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=DASHES,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def metrics_table(
    rows: Mapping[str, Mapping[str, float | None]],
    title: str | None = None,
    columns: Sequence[str] = tuple(HEADERS),
) -> Table:
    """A table of metrics in percent that fits 80 columns.

    Args:
        rows: for each category its metrics as fractions or None. "mean" comes last, below a rule.
        title: a line above the table.
        columns: the metrics to show, in this order.
    """
    table = plain_table(title, "category", [HEADERS.get(name, name) for name in columns])
    for category in sorted(rows, key=lambda name: name == "mean"):
        if category == "mean":
            table.add_section()
        table.add_row(Text(category), *(percent(rows[category].get(name)) for name in columns))
    return table
