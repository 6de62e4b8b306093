"""Pictures of a run and of the scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


def test_overlays_of_every_evaluated_picture(trained: Path, mambaad: Callable[..., Any]) -> None:
    mambaad("eval", "-q")
    outcome = mambaad("visualize", "--json")
    assert outcome.code == 0, outcome.err
    files = [Path(name) for name in outcome.json["files"]]
    assert len(files) == 10
    assert trained / "overlays" / "nut" / "scratch" / "002.png" in files
    for file in files:
        with Image.open(file) as picture:
            assert picture.width > 2 * picture.height


def test_a_choice_of_pictures(trained: Path, mambaad: Callable[..., Any]) -> None:
    mambaad("eval", "-q")
    files = mambaad("visualize", "--category", "bolt", "--defect", "scratch", "--worst", "2", "--json").json[
        "files"
    ]
    assert len(files) == 2
    assert all("bolt/scratch" in Path(file).as_posix() for file in files)
    nothing = mambaad("visualize", "--category", "bolt", "--defect", "dent")
    assert nothing.code == 3
    assert "bolt/scratch" in nothing.err


def test_a_run_without_evaluation_says_what_to_do(trained: Path, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("visualize")
    assert outcome.code == 4
    assert f"mambaad eval {trained.name}" in outcome.err


def test_pictures_moved_since_are_named(trained: Path, parts: Path, mambaad: Callable[..., Any]) -> None:
    mambaad("eval", "-q")
    (parts / "nut" / "test" / "good" / "000.png").unlink()
    outcome = mambaad("visualize")
    assert outcome.code == 3
    assert "000.png" in outcome.err


@pytest.mark.parametrize("method", ["sweep", "scan", "zorder", "zigzag", "hilbert", "all"])
def test_scan_paths(method: str, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("visualize", "--scan", method, "--size", "4x6", "-q")
    assert outcome.code == 0, outcome.err
    with Image.open(outcome.out.strip()) as picture:
        assert np.asarray(picture.convert("L")).std() > 5


@pytest.mark.parametrize(
    "words",
    [("--scan", "peano"), ("--scan", "hilbert", "--size", "8"), ("--scan", "hilbert", "--directions", "3")],
)
def test_impossible_scans_are_usage_errors(words: tuple[str, ...], mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("visualize", *words)
    assert outcome.code == 2
    assert "error:" in outcome.err
