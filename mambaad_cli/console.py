"""What a person or a script reads: stdout carries the result, stderr the progress and the hints."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mambaad_cli.errors import MambaadError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress


LINE_SECONDS = 30  # between two progress lines where there is no terminal


class Mode:
    """How this process talks. Set once per command by `configure`; `mute` is for good."""

    json = False
    quiet = False
    verbose = False
    mute = False
    log: Path | None = None


def configure(*, as_json: bool = False, quiet: bool = False) -> None:
    """Choose JSON on stdout (`as_json`) and silence on stderr but for errors (`quiet`)."""
    Mode.json = as_json
    Mode.quiet = quiet
    Mode.log = None


def keep_log(path: Path) -> None:
    """Write what is said from now on to the end of a file too, whether or not it is shown."""
    Mode.log = None if Mode.mute else path


def mute() -> None:
    """Say nothing from now on: another process of the same job speaks."""
    Mode.mute = True


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
    if Mode.mute:
        return
    if Mode.json:
        sys.stdout.write(json.dumps(data, default=str) + "\n")
    elif Mode.quiet:
        sys.stdout.write(brief + "\n")
    else:
        stdout().print(renderable)


def say(text: str) -> None:
    """Tell a person what goes on, on stderr; silent with -q. `text` may hold rich markup."""
    _log(text)
    if not (Mode.quiet or Mode.mute):
        stderr().print(text)


def _log(text: str) -> None:
    """Add a line to the log, if one is kept. A full disk does not end the work for its sake."""
    if Mode.log is None:
        return
    from rich.text import Text

    with suppress(OSError), Mode.log.open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {Text.from_markup(text).plain}\n")


@contextmanager
def task(description: str, total: int, done: int = 0) -> Iterator[Callable[[int, str], None]]:
    """Show how far a piece of work is, on stderr: a bar in a terminal, else a line every half minute.

    Args:
        description, total: what is done, and how many steps it has.
        done: steps that were done before; they do not count for the time that is left.

    Yields:
        advance(steps, note): call it as the work goes on; `note` is shown beside the count.
    """
    console = stderr()
    if Mode.quiet or Mode.mute:
        yield lambda steps, note: None
    elif console.is_terminal:
        with _bar(console) as bar:
            job = bar.add_task(description, total=total, completed=done, note="")
            yield lambda steps, note: bar.update(job, advance=steps, note=note)
    else:
        yield _line_printer(description, total, done)


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=8),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=True,
    )


def _line_printer(description: str, total: int, before: int) -> Callable[[int, str], None]:
    start = printed = time.monotonic()
    done = before

    def advance(steps: int, note: str) -> None:
        nonlocal done, printed
        done += steps
        now = time.monotonic()
        if now - printed < LINE_SECONDS:
            return
        printed = now
        left = timedelta(seconds=round((now - start) / max(done - before, 1) * (total - done)))
        say(f"{description} {done}/{total}, {left} left  {note}")

    return advance


def report_error(error: MambaadError) -> None:
    """Print an error and its hint on stderr; with --json as one object on stdout."""
    from rich.markup import escape

    _log(escape(f"error: {error.message}"))
    if Mode.json:
        body = {"code": error.exit_code, "message": error.message, "hint": error.hint}
        sys.stdout.write(json.dumps({"error": body}) + "\n")
        return
    from rich.text import Text

    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text("\n".join("  " + line for line in error.hint.splitlines())))
