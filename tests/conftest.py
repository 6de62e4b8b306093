"""Shared by all tests: a tiny dataset, a tiny recipe, and the command line as a user calls it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The networks of the tests are too small to be shared out: on a busy machine threads that wait for each
# other cost many times what they save. The tests of threads ask for more themselves.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from PIL import Image

from mambaad_cli import console, env
from mambaad_cli.app import main

TINY_RECIPE = """\
# A network that trains in a second: random encoder, 64 pixels, one LSS module per stage.
name: tiny
data: {dataset: "folder:parts", image_size: 64}
model:
  encoder: tf_efficientnet_lite0
  encoder_weights: none
  depths: [2, 2, 2, 2]
  kernels: [3]
  directions: 2
  state: 2
train: {epochs: 2, batch_size: 4}
score: {sigma: 1.0}
"""


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in its own folder, reads no setting of the machine, and never touches the network."""
    monkeypatch.chdir(tmp_path)
    for variable in env.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.setenv(env.CACHE.name, str(tmp_path / "cache"))
    monkeypatch.setenv(env.OFFLINE.name, "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    console.configure()


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A dataset in MVTec layout: 2 categories with 6 training, 2 good and 3 scratched test pictures each."""
    rng = np.random.default_rng(0)
    root = tmp_path / "parts"
    for category, shade in (("bolt", 90), ("nut", 160)):
        for split, defect, count in (("train", "good", 6), ("test", "good", 2), ("test", "scratch", 3)):
            for number in range(count):
                picture = rng.normal(shade, 8, (40, 48, 3)).clip(0, 255).astype(np.uint8)
                if defect != "good":
                    mask = np.zeros((40, 48), np.uint8)
                    mask[10 + number : 22, 12:30] = 255
                    picture[mask > 0] = 255 - shade
                    save(mask, root / category / "ground_truth" / defect / f"{number:03}_mask.png")
                save(picture, root / category / split / defect / f"{number:03}.png")
    return root


@pytest.fixture
def tiny(tmp_path: Path, parts: Path) -> Path:
    """A recipe file for `parts`."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_RECIPE.replace("parts", parts.as_posix()), encoding="utf-8")
    return path


def save(pixels: np.ndarray, path: Path) -> None:
    """Write an array as a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


@pytest.fixture
def mambaad(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command line as the console script does: mambaad("train", "tiny.yaml")."""

    def run(*words: object) -> Outcome:
        capsys.readouterr()
        console.configure()
        try:
            main([str(word) for word in words])
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture
def trained(tiny: Path, mambaad: Callable[..., Outcome]) -> Path:
    """A run of the tiny recipe, two epochs old."""
    return Path(mambaad("train", tiny, "-q").out.strip())
