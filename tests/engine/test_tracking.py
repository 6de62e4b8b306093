"""Trackers: TensorBoard for real, and what is said of one that is unknown or not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # tensorboard's own
def test_tensorboard_reads_what_was_logged(
    tiny: Path, mambaad: Callable[..., Any], log: Callable[[Path], list[dict[str, Any]]]
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = Path(mambaad("train", tiny, "--track", "tensorboard", "data.holdout=0.2", "-q").out.strip())
    rows = log(run)
    (events,) = {path.parent for path in run.rglob("events.out.tfevents*") if path.parent.name == "tracker"}
    read = EventAccumulator(str(events)).Reload()
    for name in ("loss", "lr", "held_loss", "pictures_per_second"):
        points = read.Scalars(name)
        assert [point.step for point in points] == [row["step"] for row in rows]
        assert [point.value for point in points] == pytest.approx([row[name] for row in rows])
    finest = [point.value for point in read.Scalars("loss/stride_4")]
    assert finest == pytest.approx([row["loss_scales"][0] for row in rows])


def test_an_unknown_tracker_is_refused(tiny: Path, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("train", tiny, "--track", "tensorbord")
    assert outcome.code == 2
    assert "did you mean tensorboard?" in outcome.err
    assert not Path("runs").exists()


def test_a_missing_tracker_names_its_extra(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "wandb" else find(name))
    outcome = mambaad("train", tiny, "--track", "wandb")
    assert outcome.code == 5
    assert "pip install 'mambaad[wandb]'" in outcome.err
    assert not Path("runs").exists()
