"""What is wrong with settings: everything at once, with the nearest names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mambaad_cli.errors import RecipeError, did_you_mean
from mambaad_cli.recipe.schema import Recipe, section_names, setting_names


def make_recipe(settings: Mapping[str, Any], origin: str, problems: Iterable[str] = ()) -> Recipe:
    """Check `settings` and build the recipe.

    Args:
        origin: their source, for the message.
        problems: found before; they are told together with those that are found here.

    Raises:
        RecipeError: lists every unknown key (with the nearest one) and every impossible value.
    """
    found = [*problems, *_problems(settings)]
    if found:
        listed = "\n".join(f"  {problem}" for problem in found)
        raise RecipeError(
            f"{origin} has settings that cannot be used:\n{listed}", "all settings: mambaad config show"
        )
    return Recipe.model_validate(settings)


def unknown_setting(key: str) -> str:
    """What is wrong with a key that is not a setting."""
    if key in section_names():
        inner = [name for name in setting_names() if name.startswith(f"{key}.")]
        return f"'{key}' is a section, not a setting; it has {', '.join(inner)}"
    return f"unknown setting '{key}'{did_you_mean(key, [*setting_names(), *section_names()])}"


def _problems(settings: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with `settings`, one line each.

    pydantic looks at how settings fit together only when each of them is right on its own. So those that are
    wrong are told and left out, and the rest is looked at again.
    """
    try:
        Recipe.model_validate(settings)
    except ValidationError as error:
        found = [line for problem in error.errors() for line in _explain(problem)]
        wrong = {tuple(map(str, problem["loc"][:2])) for problem in error.errors()}
        rest = _without(settings, wrong)
        hidden = _problems(rest) if rest != settings else []
        # What was left out has its default now, which must not be blamed for not fitting.
        blameless = [".".join(place) for place in wrong]
        found += [line for line in hidden if not any(key in line for key in blameless)]
        return list(dict.fromkeys(found))
    return []


def _without(settings: Mapping[str, Any], wrong: set[tuple[str, ...]]) -> dict[str, Any]:
    """`settings` but for the sections (name,) and the settings (section, name) in `wrong`."""
    kept: dict[str, Any] = {}
    for name, value in settings.items():
        if (str(name),) in wrong:
            continue
        if isinstance(value, dict):
            value = {leaf: one for leaf, one in value.items() if (str(name), str(leaf)) not in wrong}
        kept[name] = value
    return kept


def _explain(problem: ErrorDetails) -> list[str]:
    """The lines that say what pydantic found."""
    parts = [str(part) for part in problem["loc"] if part not in ("literal['all']", "list[str]")]
    key, given, message = ".".join(parts), problem["input"], problem["msg"].removeprefix("Value error, ")
    match problem["type"]:
        case "extra_forbidden" | "invalid_key" | "model_type":
            return [unknown_setting(key)]
        case "literal_error" if "literal['all']" in problem["loc"]:
            return []  # what is wrong with it as a list is told too
        case "missing":  # every setting has a default: this is a place in a list
            return [f"{'.'.join(parts[:-1])} = {given!r}: too few values"]
        case "value_error" if isinstance(given, dict):  # how settings fit together: it names them
            return message.splitlines()
        case _:
            return [f"{key} = {given!r}: {message}"]
