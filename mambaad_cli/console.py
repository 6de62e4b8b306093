"""What a person or a script reads: stdout carries the result, stderr the progress and the hints."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from mambaad_cli.errors import MambaadError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress


class Mode:
    """How this process talks. Set once per command by `configure`."""

    json = False
    quiet = False
    verbose = False


def configure(*, as_json: bool = False, quiet: bool = False) -> None:
    """Choose JSON on stdout (`as_json`) and silence on stderr but for errors (`quiet`)."""
    Mode.json = as_json
    Mode.quiet = quiet


def stdout() -> Console:
    """The console of results. Colour and width follow the terminal, NO_COLOR and COLUMNS."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def stderr() -> Console:
    """The console of progress, hints and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def result(renderable: RenderableType, data: dict[str, Any], brief: str) -> None:
    """Print the result of a command once: as JSON, as one brief value (-q), or for people.

    Args:
        renderable: what a person sees: text or a rich table.
        data: the same as plain data; holds a versioned "schema".
        brief: the one most useful value.
    """
    if Mode.json:
        sys.stdout.write(json.dumps(data, default=str) + "\n")
    elif Mode.quiet:
        sys.stdout.write(brief + "\n")
    else:
        stdout().print(renderable)


def say(text: str) -> None:
    """Tell a person what goes on, on stderr; silent with -q. `text` may hold rich markup."""
    if not Mode.quiet:
        stderr().print(text)


def progress() -> Progress:
    """A progress display on stderr with rate and time left; invisible with -q or without a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = stderr()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=Mode.quiet or not console.is_terminal,
    )


def report_error(error: MambaadError) -> None:
    """Print an error and its hint on stderr; with --json as one object on stdout."""
    if Mode.json:
        body = {"code": error.exit_code, "message": error.message, "hint": error.hint}
        sys.stdout.write(json.dumps({"error": body}) + "\n")
        return
    from rich.text import Text

    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text("\n".join("  " + line for line in error.hint.splitlines())))
