"""What README, docs, recipes and help say can be typed: every command parses, every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from mambaad_cli.app import app
from mambaad_cli.engine.grid import make_grid
from mambaad_cli.recipe import load_words, recipe_names, recipes_folder, setting_names

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GROUP = typer.main.get_command(app)


def commands_in(text: str) -> list[str]:
    """The `mambaad ...` lines of fenced blocks, comments and prompts cut off."""
    blocks = re.findall(r"```(?:console|bash|sh|text)?\n(.*?)```", text, re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    found = [match.group(1) for line in lines if (match := re.match(r"(?:.*&& )?(mambaad( .*)?)$", line))]
    return [re.split(r"\s+#|\s+>", command)[0] for command in found]


def check(command: str) -> None:
    """Fail unless the command line parses: command, options and recipe exist."""
    _, *words = shlex.split(command)
    if not words or words[0].startswith("-"):
        return
    name, *rest = words
    assert name in GROUP.commands, f"no command {name!r} in: {command}"
    # Parsing stops before the command runs.
    context = GROUP.commands[name].make_context(name, list(rest), resilient_parsing=False)
    if name == "train" and not context.params["resume"]:
        words = [word for word in context.params["words"] or [] if not word.endswith((".yaml", ".yml"))]
        make_grid(words, context.params["sweep"]) if context.params["sweep"] else load_words(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_parse(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands_in(page.read_text(encoding="utf-8")):
        check(command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("name", sorted(GROUP.commands))
def test_help_ends_with_three_examples_that_parse(name: str) -> None:
    epilog = GROUP.commands[name].epilog or ""
    heading, *examples = epilog.split("\n\n")
    assert heading == "Examples:"
    assert len(examples) == 3
    for example in examples:
        assert example.startswith(f"mambaad {name}"), example
        check(example.split(" > ")[0])


@pytest.mark.parametrize("name", recipe_names())
def test_first_line_of_a_recipe_is_its_command(name: str) -> None:
    first = (recipes_folder() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    check(first.removeprefix("# "))


@pytest.mark.parametrize("name", [name for name in recipe_names() if name.startswith("ablation/")])
def test_the_sweep_that_an_ablation_names_holds_it(name: str) -> None:
    text = (recipes_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    (command,) = re.findall(r"The whole table: mambaad train --sweep (.*)", text)
    members = [member.recipe.name for member in make_grid([], shlex.split(command))]
    assert name in members
    assert "mvtec" in members
    assert f"mambaad train --sweep {command}" in (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert [name for name in setting_names() if f"`{name}`" not in text] == []


def test_the_readme_was_searched() -> None:
    commands = commands_in(PAGES[0].read_text(encoding="utf-8"))
    for promised in (
        "mambaad fetch mvtec",
        "mambaad train --classes all --epochs 500",
        "mambaad eval --metrics all",
        "mambaad visualize --scan hilbert",
    ):
        assert promised in commands
