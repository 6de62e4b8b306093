"""Shared by the tests of the engine: what a run left, and whether two runs are the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mambaad_cli.engine.checkpoint import load_checkpoint


def rows_of(run: Path) -> list[dict[str, Any]]:
    """The log of a run."""
    return [json.loads(line) for line in (run / "train.jsonl").read_text().splitlines()]


@pytest.fixture
def log() -> Callable[[Path], list[dict[str, Any]]]:
    return rows_of


@pytest.fixture
def newest() -> Callable[[], Path]:
    """The run that was made last."""
    return lambda: Path("runs") / Path("runs/latest").read_text().strip()


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


@pytest.fixture
def assert_same_training() -> Callable[[Path, Path], None]:
    """Two runs ended in the same weights and optimizer state to the last bit, and logged the same losses."""

    def check(one: Path, other: Path) -> None:
        ours, theirs = load_checkpoint(one), load_checkpoint(other)
        for part in ("step", "model", "average", "optimizer", "schedule", "held_losses"):
            assert _same(ours[part], theirs[part]), part
        kept = ("epoch", "step", "loss", "loss_scales", "lr", "held_loss")
        first, second = (
            [{key: row.get(key) for key in kept} for row in rows_of(run)] for run in (one, other)
        )
        assert first == second

    return check
