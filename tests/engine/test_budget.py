"""A time instead of a number of epochs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mambaad_cli.commands.train import seconds_of
from mambaad_cli.engine import budget
from mambaad_cli.errors import UsageError


@pytest.mark.parametrize(("text", "expected"), [("45m", 2700), ("1h30m", 5400), ("90s", 90), ("0.5h", 1800)])
def test_times(text: str, expected: float) -> None:
    assert seconds_of(text) == expected


@pytest.mark.parametrize("text", ["", "45", "m", "1d", "-5m", "1h 30m", "1.h", "soon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        seconds_of(text)


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which every step takes two seconds."""
    monkeypatch.setattr(budget, "measure_step", lambda training: 2.0)


@pytest.mark.usefixtures("steady")
def test_as_many_whole_epochs_as_fit_and_the_schedule_follows(
    tiny: Path, mambaad: Callable[..., Any], log: Callable[[Path], list[dict[str, Any]]]
) -> None:
    outcome = mambaad("train", tiny, "--budget", "32s", "--json")  # epochs of three steps, six seconds each
    run = Path(outcome.json["run"])
    assert yaml.safe_load((run / "recipe.yaml").read_text())["train"]["epochs"] == 5
    rows = log(run)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    # The rate drops after four fifths of the fifteen steps: with the fifth epoch.
    assert [row["lr"] for row in rows] == pytest.approx([0.005] * 4 + [0.0005])


@pytest.mark.usefixtures("steady")
def test_less_than_an_epoch_is_refused_with_the_time_of_one(tiny: Path, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("train", tiny, "--budget", "5s")
    assert outcome.code == 2
    assert "0:00:06" in outcome.err
    assert not Path("runs").exists()


def test_the_measured_training_leaves_no_trace(
    tiny: Path, mambaad: Callable[..., Any], assert_same_training: Callable[..., None], monkeypatch: Any
) -> None:
    measure = budget.measure_step
    monkeypatch.setattr(budget, "measure_step", lambda training: measure(training) * 0 + 2.0)
    one = Path(mambaad("train", tiny, "--budget", "13s", "-q").out.strip())
    other = Path(mambaad("train", tiny, "train.epochs=2", "-q").out.strip())
    assert_same_training(one, other)
