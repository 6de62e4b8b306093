"""Checkpoints: written so that a crash leaves the last good one, read without running code from the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mambaad_cli import console
from mambaad_cli.errors import RunError

LAST = "checkpoints/last.pt"
PREVIOUS = "checkpoints/previous.pt"


def has_checkpoint(run: Path) -> bool:
    """Whether there is anything to go on from."""
    return (run / LAST).is_file() or (run / PREVIOUS).is_file()


def save_checkpoint(run: Path, content: dict[str, Any]) -> None:
    """Write aside, flush to disk, then rename; the checkpoint before it is kept as the previous one.

    Raises:
        RunError: the disk is full or the folder cannot be written; the old files are untouched.
    """
    last = run / LAST
    aside = last.with_suffix(".tmp")
    try:
        with aside.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        if last.exists():
            last.replace(run / PREVIOUS)
        aside.replace(last)
        _flush_names(last.parent)
    except (OSError, RuntimeError) as error:  # torch wraps a full disk into a RuntimeError
        aside.unlink(missing_ok=True)
        raise RunError(
            f"the checkpoint {last} cannot be written: {error}",
            f"the one before it is untouched; free some space and go on: mambaad train --resume {run.name}",
        ) from error


def load_checkpoint(run: Path) -> dict[str, Any]:
    """The last checkpoint of a run, on the CPU; the one before it when the last is damaged.

    Raises:
        RunError: there is none, or both files are damaged.
    """
    if not has_checkpoint(run):
        raise RunError(f"run {run.name} has no checkpoint yet ({run / LAST})", "train it: mambaad train")
    problems = []
    for path in (run / LAST, run / PREVIOUS):
        if not path.is_file():
            continue
        try:
            content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file makes torch.load raise whatever its bytes happen to mean
            problems.append(f"the checkpoint {path} is damaged: {str(error).splitlines()[0]}")
            continue
        if problems:
            console.say(f"[yellow]note:[/yellow] {problems[0]}; taking the one before it")
        return content
    raise RunError("\n".join(problems), "restore it from a copy, or train again: mambaad train")


def restore(model: nn.Module, content: dict[str, Any], run: Path, averaged: bool = False) -> None:
    """Fill `model` from a checkpoint, where asked for with the averaged weights, if it has them.

    Raises:
        RunError: the checkpoint belongs to another recipe.
    """
    try:
        weights = content["model"]
        if averaged and content.get("average"):
            weights = {
                name.removeprefix("module."): value
                for name, value in content["average"].items()
                if name != "n_averaged"
            }
        model.load_state_dict(weights)
    except (RuntimeError, KeyError) as error:
        raise RunError(
            f"the checkpoint of {run.name} was made with another recipe than {run / 'recipe.yaml'}:\n"
            f"{str(error).splitlines()[-1].strip()}",
            "put the recipe of the training back, or train again: mambaad train",
        ) from error


def _flush_names(folder: Path) -> None:
    """Make renames last through a power failure, where a folder can be flushed."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
