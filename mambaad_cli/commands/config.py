"""`mambaad config`: the recipes, and all settings of one."""

from __future__ import annotations

from typing import Annotated

import typer

EPILOG = """\
Examples:

mambaad config list

mambaad config show quickstart

mambaad config show mvtec model.scan=zigzag > mine.yaml"""


def config(
    action: Annotated[
        str, typer.Argument(help="list the recipes, or show one in full.", metavar="list|show")
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(help="A recipe (default mvtec), then settings.", metavar="[RECIPE] [KEY=VALUE]..."),
    ] = None,
) -> None:
    """List the recipes, or show every setting of one as YAML."""
    from mambaad_cli.errors import UsageError
    from mambaad_cli.recipe import load_words, recipe_names

    if action == "list":
        typer.echo("\n".join(recipe_names()))
    elif action == "show":
        typer.echo(load_words(words or []).to_yaml(), nl=False)
    else:
        raise UsageError(f"config can list or show, not '{action}'", "mambaad config --help")
