"""The command line: one line per command, and every error becomes a message and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from mambaad_cli import console
from mambaad_cli.commands import (
    config,
    evaluate,
    fetch,
    predict,
    quickstart,
    scan_demo,
    train,
    visualize,
)
from mambaad_cli.errors import MambaadError

app = typer.Typer(
    name="mambaad",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

EPILOG = """\
Examples:

mambaad quickstart

mambaad fetch mvtec

mambaad train --classes all --epochs 500"""


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mambaad {version('mambaad')}")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog=EPILOG)
def mambaad(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the traceback of an unexpected error.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find defects in pictures of products: one model for every category, trained on normal pictures only."""
    console.Mode.verbose = verbose
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


MORE = "More"
app.command(epilog=fetch.EPILOG)(fetch.fetch)
app.command(epilog=train.EPILOG)(train.train)
app.command("eval", epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command(epilog=visualize.EPILOG)(visualize.visualize)
app.command("scan-demo", epilog=scan_demo.EPILOG)(scan_demo.scan_demo)
app.command(epilog=predict.EPILOG, rich_help_panel=MORE)(predict.predict)
app.command(epilog=quickstart.EPILOG, rich_help_panel=MORE)(quickstart.quickstart)
app.command(epilog=config.EPILOG, rich_help_panel=MORE)(config.config)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code that design and docs promise."""
    try:
        app(args=arguments, prog_name="mambaad")
    except MambaadError as error:
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
        console.report_error(unexpected)
        sys.exit(unexpected.exit_code)
