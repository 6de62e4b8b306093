"""The members of a sweep: every combination of the values that are given for some settings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product

from mambaad_cli.errors import RecipeError
from mambaad_cli.recipe import Recipe, load_words, recipe_names, setting_names, unknown_setting

RECIPE = "recipe"
"""The word that sweeps over recipes instead of over a setting."""


@dataclass(frozen=True)
class Member:
    """One training of a sweep.

    Attributes:
        values: swept setting -> its value here, as it was typed.
        recipe: all settings.
    """

    values: dict[str, str]
    recipe: Recipe

    @property
    def label(self) -> str:
        """The values, for people."""
        return " ".join(self.values.values())


def make_grid(words: Sequence[str], sweeps: Sequence[str]) -> list[Member]:
    """All members, in the order in which the values are given; the last setting changes fastest.

    Args:
        words: a recipe and `key=value` overrides, as `mambaad train` takes them.
        sweeps: "key=value,value,..."; the key is a setting, or "recipe", whose values may hold * and ?.

    Raises:
        RecipeError: everything that is wrong with any of the members, at once.
    """
    values, problems = _values(words, sweeps)
    _raise(problems)
    members = []
    for combination in product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        named = [chosen[RECIPE]] if RECIPE in chosen else []
        settings = [f"{key}={value}" for key, value in chosen.items() if key != RECIPE]
        try:
            members.append(Member(chosen, load_words([*named, *words, *settings])))
        except RecipeError as error:
            problems += error.message.splitlines()
    _raise(problems)
    return members


def split_values(text: str) -> list[str]:
    """The values in "a,b,[1,2],[3,4]": split at commas that are not inside brackets, braces or quotes."""
    values, depth, quote = [""], 0, ""
    for letter in text:
        if letter == "," and not depth and not quote:
            values.append("")
            continue
        values[-1] += letter
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        else:
            depth += (letter in "[{") - (letter in "]}")
    return [value.strip() for value in values]


def _values(words: Sequence[str], sweeps: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Key -> values of each sweep, and what is wrong with them."""
    fixed = {word.partition("=")[0] if "=" in word else RECIPE for word in words}
    values: dict[str, list[str]] = {}
    problems = []
    for sweep in sweeps:
        key, _, text = sweep.partition("=")
        given = split_values(text)
        if not all(given):
            problems.append(f"--sweep {sweep} is not KEY=VALUE,VALUE,...")
        elif key != RECIPE and key not in setting_names():
            problems.append(f"--sweep {sweep}: {unknown_setting(key)}")
        elif key in values:
            problems.append(f"--sweep {key} stands twice; give all values at once: {key}=VALUE,VALUE,...")
        elif key in fixed:
            problems.append(f"'{key}' is both set to one value and swept")
        else:
            found = [name for value in given for name in (_matching(value) if key == RECIPE else [value])]
            values[key] = list(dict.fromkeys(found))
            if not found:
                problems.append(f"--sweep {sweep}: no recipe matches (all: mambaad config list)")
    return values, problems


def _matching(pattern: str) -> list[str]:
    if not re.search(r"[*?]", pattern):
        return [pattern]
    return [name for name in recipe_names() if fnmatchcase(name, pattern)]


def _raise(problems: list[str]) -> None:
    if problems:
        # Members that share a bad value share its line.
        lines = "\n".join(dict.fromkeys(problems))
        raise RecipeError(
            f"the sweep cannot begin:\n{lines}",
            "for example: --sweep model.scan=hilbert,zigzag --sweep seed=0,1",
        )
