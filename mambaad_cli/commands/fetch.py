"""`mambaad fetch`: datasets, downloaded or taken in, checked and indexed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mambaad_cli.commands import options

if TYPE_CHECKING:
    from rich.table import Table

    from mambaad_cli.data.checking import Findings
    from mambaad_cli.data.info import DatasetInfo
    from mambaad_cli.data.state import State

EPILOG = """\
Examples:

mambaad fetch

mambaad fetch mvtec --accept-licence

mambaad fetch mvtec --from ~/Downloads/mvtec_anomaly_detection.tar.xz"""

WAYS = "Other ways in"
CHECKS = "Checks"
PARTS = "Parts (Real-IAD)"


def _complete(incomplete: str) -> list[str]:
    from mambaad_cli.data.registry import DATASETS

    return [name for name in DATASETS if name.startswith(incomplete)]


def fetch(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Datasets; none: list all.", autocompletion=_complete),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the datasets and do nothing.")] = False,
    data_dir: options.DataDir = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the licences without being asked.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Get everything again, whatever is there.")] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="PATH", help="Folder or archive that you have already.", rich_help_panel=WAYS
        ),
    ] = None,
    link: Annotated[
        bool,
        typer.Option(
            "--link", help="With --from FOLDER: use the pictures where they are.", rich_help_panel=WAYS
        ),
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option("--mirror", metavar="URL", help="Ask URL/NAME/ARCHIVE first.", rich_help_panel=WAYS),
    ] = None,
    resolution: Annotated[
        str, typer.Option("--resolution", help="256, 512, 1024 (as published) or raw.", rich_help_panel=PARTS)
    ] = "",
    views: Annotated[
        str | None,
        typer.Option(
            "--views", metavar="LIST", help="Some of the cameras C1,C2,C3,C4,C5.", rich_help_panel=PARTS
        ),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash and read every file again.", rich_help_panel=CHECKS)
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check", metavar="PATH", help="List the problems of any folder.", rich_help_panel=CHECKS
        ),
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Get datasets: download, check, unpack and index them; without a name, list them."""
    from mambaad_cli import console, env
    from mambaad_cli.data.state import choose

    console.configure(as_json=as_json, quiet=quiet)
    data_root = data_dir or env.data_root()
    if check is not None:
        _check(check)
    elif verify:
        _verify(names, data_root)
    elif listing or (not names and source is None):
        _list(data_root)
    else:
        cameras = tuple(options.names(views) or ())
        infos = [choose(name, resolution, cameras) for name in names or [_recognise(source)]]
        _fetch(infos, data_root, source, link, force, mirror, accept_licence)


def _fetch(
    infos: list[DatasetInfo],
    data_root: Path,
    source: Path | None,
    link: bool,
    force: bool,
    mirror: str | None,
    accept_licence: bool,
) -> None:
    from mambaad_cli import console
    from mambaad_cli.data.state import needs_licence
    from mambaad_cli.errors import UsageError

    if source is None and link:
        raise UsageError("--link needs --from FOLDER", f"mambaad fetch {infos[0].key} --from FOLDER --link")
    if source is not None and len(infos) > 1:
        raise UsageError(
            "--from takes one dataset at a time", f"mambaad fetch {infos[0].key} --from {source}"
        )
    for info in infos:
        if source is None and needs_licence(info, data_root):
            _agree(info, data_root, accept_licence)
    from mambaad_cli.data.fetching import fetch

    receipts = {
        info.key: fetch(
            info, data_root, source=source, link=link, force=force, mirror=mirror, progress=console.task
        )
        for info in infos
    }
    console.result(
        _report(list(receipts.values())),
        {"schema": "mambaad.fetch/1", "datasets": receipts},
        "\n".join(str(data_root / key) for key in receipts),
    )


def _agree(info: DatasetInfo, data_root: Path, accepted: bool) -> None:
    """Show the licence once; go on when it is accepted."""
    import sys

    from mambaad_cli import console
    from mambaad_cli.data import receipt
    from mambaad_cli.errors import UsageError

    terms = f"licence: {info.licence}\nterms:   {info.homepage}\ncite:    {info.citation}"
    console.say(f"[bold]{info.title}[/bold]\n{terms}")
    if not accepted:
        asked = sys.stdin.isatty() and typer.confirm("Do you accept the licence?", err=True)
        if not asked:
            raise UsageError(
                f"the licence of {info.title} is not accepted", f"mambaad fetch {info.key} --accept-licence"
            )
    receipt.accept_licence(data_root / info.key, info.licence)


def _recognise(source: Path | None) -> str:
    from mambaad_cli.data.recognise import recognise
    from mambaad_cli.errors import UsageError

    info = recognise(source) if source is not None else None
    if info is None:
        raise UsageError(
            f"{source} is not recognised as a known dataset", f"name it: mambaad fetch NAME --from {source}"
        )
    return info.key


def _list(data_root: Path) -> None:
    from mambaad_cli import console
    from mambaad_cli.data.state import states

    found = states(data_root)
    data = {
        "schema": "mambaad.datasets/1",
        "data_dir": str(data_root),
        "datasets": [_state(s) for s in found],
    }
    console.result(_listing(found), data, "\n".join(state.info.key for state in found if state.receipt))


def _verify(names: list[str] | None, data_root: Path) -> None:
    from mambaad_cli import console
    from mambaad_cli.data.checking import verify
    from mambaad_cli.data.state import states

    here = names or [state.info.key for state in states(data_root) if state.receipt]
    findings = [verify(name, data_root, console.task) for name in here]
    _show_findings("mambaad.verify/1", findings, "get it again: mambaad fetch {name} --force")


def _check(path: Path) -> None:
    from mambaad_cli import console
    from mambaad_cli.data.checking import check

    _show_findings("mambaad.check/1", [check(path, console.task)], "mend the folder and look again")


def _show_findings(schema: str, findings: list[Findings], remedy: str) -> None:
    """Print what was found; ends with the exit code of wrong data when that is a problem."""
    from rich.console import Group

    from mambaad_cli import console
    from mambaad_cli.errors import DataError

    parts: list[Any] = [_report([found.receipt for found in findings])]
    for found in findings:
        parts += [f"[red]problem[/red] {problem}" for problem in found.problems]
        if found.problems:
            parts.append(
                f"{len(found.problems)} problems in {found.root}: {remedy.format(name=found.info.key)}"
            )
        else:
            parts.append(f"{found.info.title} in {found.root} is in order")
    data = {
        "schema": schema,
        "datasets": [
            {"name": f.info.key, "root": str(f.root), "counts": f.receipt["counts"], "problems": f.problems}
            for f in findings
        ],
    }
    count = sum(len(found.problems) for found in findings)
    console.result(Group(*parts), data, str(count))
    if count:
        raise typer.Exit(DataError.exit_code)


def _listing(states: list[State]) -> Table:
    from rich.table import Table

    table = Table("dataset", "here", "size", "categories", "licence", "access", box=None, pad_edge=False)
    for state in states:
        info = state.info
        size = f"{info.size / 1e9:.1f} GB" if info.size else "?" if info.archives else "-"
        table.add_row(info.key, str(state), size, str(len(info.categories)), info.licence, info.access)
    return table


def _state(state: State) -> dict[str, Any]:
    info = state.info
    return {
        "name": info.key,
        "title": info.title,
        "state": str(state),
        "size": info.size,
        "categories": list(info.categories),
        "licence": info.licence,
        "access": info.access,
        "homepage": info.homepage,
        "citation": info.citation,
        "receipt": state.receipt,
    }


def _report(receipts: list[dict[str, Any]]) -> Any:
    """What is there per category; "25 of 264" where the published number is another one."""
    from rich.console import Group
    from rich.table import Table

    parts: list[Any] = []
    for receipt in receipts:
        table = Table("category", "train", "normal", "anomalous", box=None, pad_edge=False)
        for category, counts in receipt["counts"].items():
            published = receipt["published"].get(category, counts)
            cells = [
                str(number) if number == published[key] else f"{number} of {published[key]}"
                for key, number in counts.items()
            ]
            table.add_row(category, *cells)
        parts += [f"[bold]{receipt['title']}[/bold]", table]
        if receipt["missing"]:
            parts.append(f"not there: {', '.join(receipt['missing'])}")
    return Group(*parts)
