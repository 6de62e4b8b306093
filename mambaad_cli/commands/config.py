"""`mambaad config`: the recipes, all settings of one, and a copy of one to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad config list

mambaad config show mvtec model.scan=zigzag

mambaad config copy mvtec mine.yaml"""


def config(
    action: Annotated[
        str,
        typer.Argument(
            help="list the recipes, show one in full, or copy one to edit it.", metavar="list|show|copy"
        ),
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            help="show: a recipe (default mvtec), then settings. copy: a recipe and a new file.",
            metavar="[RECIPE] [KEY=VALUE]... | RECIPE FILE.yaml",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="copy: overwrite the file.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """List the recipes, show every setting of one, or copy one into a file of your own."""
    from mambaad_cli import console
    from mambaad_cli.errors import UsageError

    console.configure(as_json=as_json, quiet=quiet)
    words = words or []
    if force and action != "copy":
        raise UsageError(f"--force belongs to copy, not to {action}", "mambaad config --help")
    if action == "list":
        _list(words)
    elif action == "show":
        _show(words)
    elif action == "copy":
        _copy(words, force)
    else:
        raise UsageError(f"config can list, show or copy, not '{action}'", "mambaad config --help")


def _list(words: list[str]) -> None:
    from mambaad_cli import console
    from mambaad_cli.errors import UsageError
    from mambaad_cli.recipe import recipe_names, recipe_purpose
    from mambaad_cli.render.tables import plain_table

    if words:
        raise UsageError(f"config list takes no words: {' '.join(words)}", f"mambaad config show {words[0]}")
    purposes = {name: recipe_purpose(name) for name in recipe_names()}
    table = plain_table(None, "recipe", [])
    table.add_column("what it is")
    for name, purpose in purposes.items():
        table.add_row(name, purpose)
    rows = [{"name": name, "purpose": purpose} for name, purpose in purposes.items()]
    console.result(table, {"schema": "mambaad.recipes/1", "recipes": rows}, brief="\n".join(purposes))
    console.say("[dim]next: mambaad config show RECIPE, or mambaad train RECIPE[/dim]")


def _show(words: list[str]) -> None:
    from rich.text import Text

    from mambaad_cli import console
    from mambaad_cli.recipe import load_words

    recipe = load_words(words)
    text = recipe.to_yaml().rstrip()
    data = {"schema": "mambaad.recipe/1", "recipe": recipe.model_dump(mode="json")}
    console.result(Text(text), data, brief=text)


def _copy(words: list[str], force: bool) -> None:
    from mambaad_cli import console
    from mambaad_cli.errors import UsageError
    from mambaad_cli.recipe import copy_recipe

    if len(words) != 2:
        raise UsageError("config copy takes a recipe and a new file", "mambaad config copy mvtec mine.yaml")
    name, file = words
    copy_recipe(name, Path(file), overwrite=force)
    console.result(file, {"schema": "mambaad.copy/1", "recipe": name, "file": file}, brief=file)
    console.say(f"[dim]next: edit it, then mambaad train {file}[/dim]")
