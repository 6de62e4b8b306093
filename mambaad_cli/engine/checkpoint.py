"""Checkpoints: written so that a crash leaves the last good one, read without running code from the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mambaad_cli.errors import RunError

LAST = "checkpoints/last.pt"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write aside, flush to disk, then rename: at every moment `path` is whole, the old one or the new one.

    Raises:
        RunError: the disk is full or the folder cannot be written; the old file is untouched.
    """
    aside = path.with_suffix(".tmp")
    try:
        with aside.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except (OSError, RuntimeError) as error:  # torch wraps a full disk into a RuntimeError
        aside.unlink(missing_ok=True)
        raise RunError(
            f"the checkpoint {path} cannot be written: {error}",
            "the one before it is untouched; free some space and go on with: mambaad train --resume latest",
        ) from error


def load_checkpoint(run: Path) -> dict[str, Any]:
    """The last checkpoint of a run, on the CPU.

    Raises:
        RunError: there is none, or the file is damaged.
    """
    path = run / LAST
    if not path.is_file():
        raise RunError(f"run {run.name} has no checkpoint yet ({path})", "train it: mambaad train")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return content
    except Exception as error:  # a damaged file makes torch.load raise whatever its bytes happen to mean
        raise RunError(
            f"the checkpoint {path} is damaged: {str(error).splitlines()[0]}",
            "restore it from a copy, or train again: mambaad train",
        ) from error


def restore(model: nn.Module, content: dict[str, Any], run: Path) -> None:
    """Fill `model` from a checkpoint.

    Raises:
        RunError: the checkpoint belongs to another recipe.
    """
    try:
        model.load_state_dict(content["model"])
    except (RuntimeError, KeyError) as error:
        raise RunError(
            f"the checkpoint of {run.name} was made with another recipe than {run / 'recipe.yaml'}:\n"
            f"{str(error).splitlines()[-1].strip()}",
            "put the recipe of the training back, or train again: mambaad train",
        ) from error
