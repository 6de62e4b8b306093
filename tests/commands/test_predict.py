"""New pictures: scores, verdicts, overlays, and exit codes for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mambaad_cli import Detector


@pytest.fixture
def shots(parts: Path) -> list[Path]:
    return sorted((parts / "bolt" / "test").glob("*/000.png"))


def test_scores_are_those_of_the_evaluation(
    trained: Path, shots: list[Path], mambaad: Callable[..., Any]
) -> None:
    mambaad("eval", "-q")
    outcome = mambaad("predict", "latest", *shots, "--json")
    assert outcome.code == 0, outcome.err
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    scores = pd.read_csv(trained / "eval" / "scores.csv").set_index("image").score
    threshold = json.loads((trained / "eval" / "metrics.json").read_text())["thresholds"]["image"]
    for row, shot in zip(rows, shots, strict=True):
        assert row["image"] == str(shot)
        assert row["score"] == pytest.approx(scores[f"bolt/test/{shot.parent.name}/000.png"], rel=1e-5)
        assert row["verdict"] == ("anomalous" if row["score"] >= threshold else "normal")


def test_out_gets_scores_and_overlays(trained: Path, parts: Path, mambaad: Callable[..., Any]) -> None:
    mambaad("eval", "-q")
    assert mambaad("predict", "latest", parts / "nut" / "test", "--out", "seen").code == 0
    table = pd.read_csv("seen/scores.csv")
    assert len(table) == 5
    assert all(Path(overlay).is_file() for overlay in table.overlay)
    assert len(set(table.overlay)) == 5


def test_without_an_evaluation_there_are_scores_but_no_verdicts(
    trained: Path, shots: list[Path], mambaad: Callable[..., Any]
) -> None:
    outcome = mambaad("predict", "latest", shots[0], "--json")
    assert outcome.code == 0
    assert outcome.json["verdict"] is None
    assert f"mambaad eval {trained.name}" in outcome.err


def test_exit_code_ten_when_asked(trained: Path, shots: list[Path], mambaad: Callable[..., Any]) -> None:
    assert mambaad("predict", "latest", shots[0], "--threshold", "-1", "--fail-on-anomaly").code == 10
    assert mambaad("predict", "latest", shots[0], "--threshold", "9", "--fail-on-anomaly").code == 0
    assert mambaad("predict", "latest", shots[0], "--threshold", "-1").code == 0
    assert mambaad("predict", "latest", shots[0], "--fail-on-anomaly").code == 2  # no threshold to judge by


def test_broken_pictures_do_not_stop_the_others(
    trained: Path, shots: list[Path], tmp_path: Path, mambaad: Callable[..., Any]
) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "torn.png").write_bytes(shots[0].read_bytes()[:300])
    outcome = mambaad("predict", "latest", tmp_path / "empty.png", shots[0], tmp_path / "torn.png", "-q")
    assert outcome.code == 3
    assert len(outcome.out.splitlines()) == 1
    assert "2 of 3 pictures could not be read" in outcome.err


def test_missing_paths_are_named(trained: Path, tmp_path: Path, mambaad: Callable[..., Any]) -> None:
    assert "no picture at nowhere.png" in mambaad("predict", "latest", "nowhere.png").err
    (tmp_path / "empty").mkdir()
    assert mambaad("predict", "latest", tmp_path / "empty").code == 3


def test_detector_takes_files_pictures_and_arrays(trained: Path, shots: list[Path]) -> None:
    detector = Detector.load(trained)
    with Image.open(shots[0]) as picture:
        loaded = picture.convert("RGB")
    maps, scores = detector.predict([shots[0], str(shots[0]), loaded, np.asarray(loaded)])
    assert maps.shape == (4, 64, 64)
    assert len(set(scores.tolist())) == 1
    np.testing.assert_allclose(maps.max((1, 2)), scores)
