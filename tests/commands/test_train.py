"""The train command: what it refuses, and how it says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_missing_dataset_names_the_ways_to_get_it(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("train", "--classes", "all", "--epochs", "500")
    assert outcome.code == 3
    for remedy in ("mambaad fetch mvtec", "--data-dir"):
        assert remedy in outcome.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["train.epoch=3"], 2, "did you mean train.epochs?"),
        (["--classes", "nutt"], 2, "nut"),
        (["--device", "cuda:7"], 5, "--device"),
        (["--scan-kernel", "warp"], 2, "warp"),
        (["--dataset", "mvtek"], 2, "mvtec"),
        (["model.encoder=resnet_34"], 2, "did you mean"),
        (["model.encoder=resnet18.a1_in1k", "model.encoder_weights=pretrained"], 6, "tf_efficientnet_lite0"),
        (["--resume", "latest"], 2, "keeps its own recipe"),
    ],
)
def test_refusals(tiny: Path, mambaad: Callable[..., Any], words: list[str], code: int, message: str) -> None:
    outcome = mambaad("train", tiny, *words)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("runs").exists()  # a run that could not begin leaves nothing behind


def test_broken_pictures_and_masks_are_named(tiny: Path, parts: Path, mambaad: Callable[..., Any]) -> None:
    picture = parts / "bolt" / "train" / "good" / "003.png"
    whole = picture.read_bytes()
    for broken in (b"", whole[:200]):
        picture.write_bytes(broken)
        outcome = mambaad("train", tiny)
        assert outcome.code == 3
        assert "003.png" in outcome.err
    picture.write_bytes(whole)
    (parts / "bolt" / "ground_truth" / "scratch" / "001_mask.png").unlink()
    outcome = mambaad("train", tiny)
    assert outcome.code == 3
    assert "001" in outcome.err


def test_a_mask_of_another_size_is_named(trained: Path, parts: Path, mambaad: Callable[..., Any]) -> None:
    source = parts / "bolt" / "train" / "good" / "000.png"
    from PIL import Image

    with Image.open(source) as picture:
        picture.convert("L").resize((20, 20)).save(
            parts / "nut" / "ground_truth" / "scratch" / "000_mask.png"
        )
    outcome = mambaad("eval")
    assert outcome.code == 3
    assert "000_mask.png" in outcome.err


def test_an_empty_category_is_named(tiny: Path, parts: Path, mambaad: Callable[..., Any]) -> None:
    shutil.rmtree(parts / "nut" / "train" / "good")
    (parts / "nut" / "train" / "good").mkdir()
    outcome = mambaad("train", tiny)
    assert outcome.code == 3
    assert "nut" in outcome.err


def test_errors_as_json(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("train", "--json")
    assert outcome.code == 3
    error = outcome.json["error"]
    assert error["code"] == 3
    assert "mvtec" in error["message"] + error["hint"]


def test_the_run_is_named_and_becomes_the_latest(trained: Path) -> None:
    assert trained.name.startswith("tiny-2")
    assert Path("runs/latest").read_text().strip() == trained.name
