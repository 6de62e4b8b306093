"""The command line: one line per command, and every error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

import typer

from mambaad_cli import console
from mambaad_cli.commands import (
    config,
    doctor,
    evaluate,
    fetch,
    predict,
    quickstart,
    report,
    scan_demo,
    train,
    visualize,
)
from mambaad_cli.engine import processes
from mambaad_cli.errors import MambaadError

EPILOG = """\
Examples:

mambaad quickstart

mambaad fetch mvtec

mambaad train --classes all --epochs 500"""

HELP = {"help_option_names": ["-h", "--help"]}
MORE = "More"

app = typer.Typer(
    name="mambaad",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=HELP,
)


@app.callback(invoke_without_command=True, epilog=EPILOG)
def mambaad(context: typer.Context) -> None:
    """Find defects in pictures of products: one model for every category, trained on normal pictures only.

    mambaad --version prints the version; mambaad -v COMMAND shows the traceback of an unexpected error.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("fetch", epilog=fetch.EPILOG, context_settings=HELP)(fetch.fetch)
app.command("train", epilog=train.EPILOG, context_settings=HELP)(train.train)
app.command("eval", epilog=evaluate.EPILOG, context_settings=HELP)(evaluate.evaluate)
app.command("visualize", epilog=visualize.EPILOG, context_settings=HELP)(visualize.visualize)
app.command("scan-demo", epilog=scan_demo.EPILOG, context_settings=HELP)(scan_demo.scan_demo)
app.command("report", epilog=report.EPILOG, context_settings=HELP, rich_help_panel=MORE)(report.report)
app.command("predict", epilog=predict.EPILOG, context_settings=HELP, rich_help_panel=MORE)(predict.predict)
app.command("quickstart", epilog=quickstart.EPILOG, context_settings=HELP, rich_help_panel=MORE)(
    quickstart.quickstart
)
app.command("doctor", epilog=doctor.EPILOG, context_settings=HELP, rich_help_panel=MORE)(doctor.doctor)
app.command("config", epilog=config.EPILOG, context_settings=HELP, rich_help_panel=MORE)(config.config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code that design and docs promise."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--version"]:
        typer.echo(f"mambaad {version('mambaad')}")
        return
    console.Mode.verbose = words[:1] in (["-v"], ["--verbose"])
    try:
        _run(words[console.Mode.verbose :])
    except MambaadError as error:
        if not processes.pass_on(error):
            console.report_error(error)
        if console.Mode.verbose:
            traceback.print_exc()
        sys.exit(error.exit_code)
    except Exception as error:
        if console.Mode.verbose:
            raise
        unexpected = MambaadError(
            f"unexpected: {type(error).__name__}: {error}",
            "the whole story: repeat the command as mambaad -v COMMAND ...",
        )
        if not processes.pass_on(unexpected):
            console.report_error(unexpected)
        sys.exit(unexpected.exit_code)


def _run(words: list[str]) -> None:
    """Run a known command by itself: on the way through its group, Typer loads pydantic for a mere --help."""
    group = typer.main.get_group(app)
    known = group.commands.get(words[0]) if words else None
    if known is None or "_MAMBAAD_COMPLETE" in os.environ:
        app(args=words, prog_name="mambaad")
    else:
        known(args=words[1:], prog_name=f"mambaad {words[0]}")
