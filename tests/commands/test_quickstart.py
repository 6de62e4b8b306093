"""The quickstart goes all the way, on its own, with the weights that come along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_quickstart_trains_measures_and_draws(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("quickstart", "--epochs", "1", "--json")
    assert outcome.code == 0, outcome.err
    assert list(outcome.json["rows"]) == ["brick", "grass", "gravel", "mean"]
    assert 0 < outcome.json["rows"]["mean"]["mad"] < 1
    run = Path(outcome.json["run"])
    assert len(list((run / "overlays").rglob("*.png"))) == 12
    assert (run / "report.html").stat().st_size > 100_000
    assert (run / "eval" / "metrics.csv").is_file()
