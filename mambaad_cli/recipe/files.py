"""Recipes as files: where they are, what they are for, and how a command reads one with its overrides."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mambaad_cli.errors import RecipeError, UsageError, did_you_mean
from mambaad_cli.recipe.checking import make_recipe, unknown_setting
from mambaad_cli.recipe.plain_yaml import YamlError, read_yaml
from mambaad_cli.recipe.schema import Recipe, section_names, setting_names

SUFFIXES = (".yaml", ".yml")


def recipes_folder() -> Path:
    """The folder of the recipes that come with mambaad: inside the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"


def recipe_names() -> list[str]:
    """Names of the recipes that come with mambaad, for example "mvtec"; "ablation/..." come last."""
    folder = recipes_folder()
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")]
    return sorted(names, key=lambda name: (name.count("/"), name))


def recipe_purpose(name: str) -> str:
    """What a recipe that comes with mambaad is for: the first line of its comment below the command."""
    lines = iter(_find(name).read_text(encoding="utf-8").splitlines())
    next(lines, "")  # the command
    return next((text for line in lines if (text := line.removeprefix("#").strip())), "")


def copy_recipe(name: str, target: Path, overwrite: bool = False) -> None:
    """Copy a recipe, with its comments, into a file of one's own.

    Raises:
        RecipeError: no such recipe; or the file cannot be written, is there already or is not called .yaml.
    """
    source = _find(name)
    if target.suffix not in SUFFIXES:
        raise RecipeError(f"a recipe's file ends in .yaml, not {target.name}", f"{target}.yaml")
    if target.exists() and not overwrite:
        raise RecipeError(f"{target} is there already", "another name, or overwrite it: --force")
    try:
        target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise RecipeError(
            f"{target} cannot be written: {error.strerror}", "choose a folder that exists"
        ) from error


def load_recipe(source: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe by name or file and apply `key=value` overrides.

    Raises:
        RecipeError: no such recipe, broken YAML, or unknown keys and impossible values (all named at once).
    """
    path = _find(str(source))
    settings = read_settings(path)
    settings.setdefault("name", path.stem)
    overrides = list(overrides)
    problems = [problem for word in overrides if (problem := _override(settings, word))]
    origin = f"{path} with overrides" if overrides else str(path)
    return make_recipe(settings, origin, problems)


def read_settings(path: Path) -> dict[str, Any]:
    """What a recipe's file says, unchecked but for being YAML.

    Raises:
        RecipeError: the file cannot be read, is not YAML, says nothing, or is not a mapping.
    """
    try:
        settings = read_yaml(path.read_text(encoding="utf-8"))
    except (YamlError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} is not valid YAML: {error}") from error
    except OSError as error:
        raise RecipeError(f"recipe {path} cannot be read: {error.strerror}") from error
    if settings is None:
        raise RecipeError(f"recipe {path} is empty", f"begin with one: mambaad config copy mvtec {path}")
    if not isinstance(settings, dict):
        raise RecipeError(f"recipe {path} must be a mapping of settings, KEY: VALUE")
    # A section whose settings are all commented out.
    return {key: {} if key in section_names() and value is None else value for key, value in settings.items()}


def load_words(words: Iterable[str], default: str = "mvtec") -> Recipe:
    """Read a recipe as commands take it: its name or file (else `default`), mixed with `key=value` overrides.

    Raises:
        UsageError: more than one recipe; and what `load_recipe` raises.
    """
    words = list(words)
    named = [word for word in words if "=" not in word]
    if len(named) > 1:
        raise UsageError(f"one recipe at a time, not {' and '.join(named)}", "settings are KEY=VALUE")
    return load_recipe(named[0] if named else default, [word for word in words if "=" in word])


def _find(source: str) -> Path:
    if source.endswith(SUFFIXES):
        path = Path(source)
        if path.is_file():
            return path
        raise RecipeError(f"no recipe file {source}", "recipes that come with mambaad: mambaad config list")
    path = recipes_folder() / f"{source}.yaml"
    if source in recipe_names():
        return path
    raise RecipeError(
        f"no recipe '{source}'{did_you_mean(source, recipe_names())}",
        "all recipes:    mambaad config list\nyour own file:  mambaad train PATH.yaml",
    )


def _override(settings: dict[str, Any], word: str) -> str | None:
    """Put the `key=value` of `word` into `settings`; returns what is wrong with it, if anything."""
    key, equals, value = word.partition("=")
    if not equals or not key:
        return f"'{word}' is not KEY=VALUE, for example train.epochs=100"
    if key not in setting_names():
        return unknown_setting(key)
    try:
        parsed = read_yaml(value)
    except YamlError as error:
        return f"the value of '{word}' is not valid YAML: {error}"
    section, _, leaf = key.rpartition(".")
    target = settings.setdefault(section, {}) if section else settings
    if isinstance(target, dict):  # else the file is wrong, which is told with all that is
        target[leaf] = parsed
    return None
