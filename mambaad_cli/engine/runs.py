"""Run folders: where one lives, which one is meant, what is in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mambaad_cli import env
from mambaad_cli.errors import RecipeError, RunError, did_you_mean
from mambaad_cli.recipe import Recipe, make_recipe, read_settings

RECIPE, ENVIRONMENT, LOG = "recipe.yaml", "environment.json", "train.jsonl"
SAID = "log.txt"
LATEST = "latest"


def create_run(recipe: Recipe, **facts: Any) -> Path:
    """Make runs/<recipe>-<YYYYmmdd-HHMMSS>/ with the recipe and the environment, and call it the latest.

    Args:
        facts: more for environment.json, for example the dataset's receipt.

    Raises:
        RunError: the folder cannot be written.
    """
    from mambaad_cli.engine.machine import environment  # loads torch, which reading a run does not need

    run = new_run_folder(recipe)
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    facts = {"command": sys.argv, "started": started, **environment(), **facts}
    try:
        (run / "checkpoints").mkdir(parents=True)
        (run / RECIPE).write_text(recipe.to_yaml(), encoding="utf-8")
        (run / ENVIRONMENT).write_text(json.dumps(facts, indent=2, default=str) + "\n", encoding="utf-8")
        # A one-line file, not a link: links need administrator rights on Windows.
        (run.parent / LATEST).write_text(run.name + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"the run {run} cannot be made: {error.strerror}", "choose another folder: MAMBAAD_RUNS=PATH"
        ) from error
    return run


def new_run_folder(recipe: Recipe) -> Path:
    """The folder that a run of `recipe` would get now; nothing is made."""
    return _unused(env.runs_root() / f"{recipe.name.replace('/', '-')}-{datetime.now():%Y%m%d-%H%M%S}")


def find_run(name: str = LATEST) -> Path:
    """The run folder that `name` means: a path, "latest", or a unique prefix of a run's name.

    Raises:
        RunError: no such run, or several.
    """
    root = env.runs_root()
    if (Path(name) / RECIPE).is_file():
        return Path(name)
    runs = list_runs()
    if not runs:
        raise RunError(f"no run in {root.absolute()}", "make one: mambaad train (or mambaad quickstart)")
    if name == LATEST:
        pointer = root / LATEST
        named = root / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None
        return named if named in runs else runs[0]
    matches = [run for run in runs if run.name == name] or [run for run in runs if run.name.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    names = [run.name for run in matches or runs]
    what = f"'{name}' means several runs" if matches else f"no run '{name}'{did_you_mean(name, names)}"
    raise RunError(what, "runs, newest first: " + ", ".join(names[:5]))


def list_runs() -> list[Path]:
    """All run folders, newest first."""
    found = [path.parent for path in env.runs_root().glob(f"*/{RECIPE}")]
    return sorted(found, key=lambda run: (run / RECIPE).stat().st_mtime, reverse=True)


def read_recipe(run: Path) -> Recipe:
    """The recipe that a run was made with."""
    path = run / RECIPE
    try:
        settings = read_settings(path)
    except RecipeError as error:
        raise RunError(error.message, "choose another run: mambaad eval RUN") from error
    return make_recipe(settings, origin=str(path))


def append_log(run: Path, row: dict[str, Any]) -> None:
    """Add the row of an epoch to the run's log; rows of epochs that are trained anew give way.

    Raises:
        RunError: the disk is full, or the folder cannot be written.
    """
    kept = [old for old in read_log(run) if old["epoch"] < row["epoch"]]
    lines = "".join(json.dumps(entry) + "\n" for entry in [*kept, row])
    aside = run / f"{LOG}.tmp"
    try:
        aside.write_text(lines, encoding="utf-8")
        aside.replace(run / LOG)
    except OSError as error:
        raise RunError(
            f"the log {run / LOG} cannot be written: {error.strerror}",
            f"free some space and go on: mambaad train --resume {run.name}",
        ) from error


def read_log(run: Path) -> list[dict[str, Any]]:
    """The epochs of a run, one dict each, oldest first; a line torn by a crash is left out."""
    path = run / LOG
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


@contextmanager
def own_run(run: Path) -> Iterator[None]:
    """Keep every other training out of `run` while the block lasts.

    Raises:
        RunError: somebody else is training it.
    """
    try:
        with FileLock(run / ".lock", timeout=0):
            yield
    except Timeout:
        raise RunError(
            f"run {run.name} is being trained by another process",
            "wait for it, or stop it: it leaves the run where it can be resumed",
        ) from None


def _unused(path: Path) -> Path:
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_name(f"{path.name}-{number}"), number + 1
    return candidate
