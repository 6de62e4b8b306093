"""`mambaad fetch`: datasets, downloaded or taken in, checked and indexed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mambaad_cli.data.fetching import State

EPILOG = """
[bold]Examples[/bold]

mambaad fetch

mambaad fetch sample

mambaad fetch mvtec --from ~/Downloads/mvtec_anomaly_detection.tar.xz
"""


def fetch(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Datasets to get.")] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="PATH", help="Folder or archive that you have already, all or some categories."
        ),
    ] = None,
    link: Annotated[
        bool,
        typer.Option("--link", help="With --from FOLDER: index the pictures where they are, copy nothing."),
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="Show the table of datasets and do nothing.")
    ] = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir", metavar="PATH", help="Folder that holds the datasets.  [MAMBAAD_DATA, or data]"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout.", rich_help_panel="Scripting")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Only the folder, and errors.", rich_help_panel="Scripting")
    ] = False,
) -> None:
    """Get datasets: download, check, unpack and index them; without a name list them."""
    from mambaad_cli import console, env
    from mambaad_cli.data import fetching
    from mambaad_cli.errors import UsageError

    console.configure(as_json=as_json, quiet=quiet)
    data_root = data_dir or env.data_root()
    if listing or not names:
        if source is not None:
            raise UsageError("--from needs the name of the dataset", "mambaad fetch NAME --from PATH")
        states = fetching.states(data_root)
        console.result(
            _listing(states), _listing_data(states, data_root), "\n".join(s.info.key for s in states)
        )
        return
    if source is not None and len(names) > 1:
        raise UsageError("--from takes one dataset at a time", f"mambaad fetch {names[0]} --from {source}")
    receipts = {
        name: fetching.fetch(name, data_root, source=source, link=link, progress=console.task)
        for name in names
    }
    data = {"schema": "mambaad.fetch/1", "datasets": receipts}
    for name, receipt in receipts.items():
        console.result(_report(receipt), data, str(data_root / name))
        if as_json:
            return


def _listing(states: list[State]) -> Table:
    from rich.table import Table

    table = Table("dataset", "here", "size", "categories", "licence", "access", box=None, pad_edge=False)
    for state in states:
        info = state.info
        size = f"{info.size / 1e9:.1f} GB" if info.size else "-"
        table.add_row(info.key, str(state), size, str(len(info.categories)), info.licence, info.access)
    return table


def _listing_data(states: list[State], data_root: Path) -> dict[str, Any]:
    return {
        "schema": "mambaad.datasets/1",
        "data_dir": str(data_root),
        "datasets": [
            {
                "name": state.info.key,
                "title": state.info.title,
                "state": str(state),
                "size": state.info.size,
                "categories": list(state.info.categories),
                "licence": state.info.licence,
                "access": state.info.access,
                "homepage": state.info.homepage,
                "receipt": state.receipt,
            }
            for state in states
        ],
    }


def _report(receipt: dict[str, Any]) -> Table:
    """What is there per category, against the published numbers."""
    from rich.table import Table

    table = Table(
        "category", "train", "normal", "anomalous", "", box=None, pad_edge=False, title=receipt["title"]
    )
    for category, counts in receipt["counts"].items():
        table.add_row(
            category,
            *(str(counts[key]) for key in ("train", "test_normal", "test_anomalous")),
            receipt["differences"].get(category, ""),
        )
    for category in receipt["missing"]:
        table.add_row(category, "-", "-", "-", "missing")
    return table
