"""The options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[
    str, typer.Argument(help="Run folder, a unique prefix of its name, or latest.", metavar="[RUN]")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.", rich_help_panel="Scripting")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the one most useful value.", rich_help_panel="Scripting")
]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...", rich_help_panel="Hardware")
]
ScanKernel = Annotated[
    str | None,
    typer.Option(
        "--scan-kernel", help="Force a scan kernel (MAMBAAD_SCAN_KERNEL).", rich_help_panel="Hardware"
    ),
]
Processes = Annotated[
    int,
    typer.Option(
        "--processes", min=1, help="Share the work among so many processes.", rich_help_panel="Hardware"
    ),
]
BatchSize = Annotated[
    int, typer.Option("--batch-size", min=1, help="Pictures at once.", rich_help_panel="Hardware")
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder that holds the datasets [MAMBAAD_DATA, else ./data]."),
]
SingleFile = Annotated[
    bool, typer.Option("--single-file", help="Put the pictures of the report into its page.")
]
Classes = Annotated[
    str | None, typer.Option("--classes", help="all, or categories separated by commas.", metavar="LIST")
]


def force_scan_kernel(name: str | None) -> None:
    """Make `name` the scan kernel of this process."""
    import os

    from mambaad_cli import env

    if name is not None:
        os.environ[env.SCAN_KERNEL.name] = name


def launch_processes(processes: int, again: str) -> bool:
    """Run this command line in so many processes, and say whether that was done.

    Args:
        again: the hint that says how to go on when a process is lost.
    """
    import sys

    from mambaad_cli.engine.processes import launch, launched

    if processes == 1 or launched():
        return False
    launch(processes, sys.argv[1:], again)
    return True


def same_command(purpose: str) -> str:
    """The hint to give this very command line again; double quotes are understood by every shell."""
    import re
    import sys

    words = [f'"{word}"' if re.search(r"[^\w./\\:=,+-]", word) else word for word in sys.argv[1:]]
    return f"{purpose}: mambaad {' '.join(words)}"


def names(text: str | None) -> list[str] | None:
    """The names in a comma-separated list; None for "all" or nothing."""
    if text is None or text == "all":
        return None
    return [name.strip() for name in text.split(",") if name.strip()]
