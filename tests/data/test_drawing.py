"""The sample set: real textures apart, and masks that are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mambaad_cli.data import drawing
from mambaad_cli.data.datasets import sample

DEFECTS = [drawing.scratch, drawing.stain, drawing.hole, drawing.thread]


@pytest.mark.parametrize("draw", DEFECTS)
@pytest.mark.parametrize("seed", range(3))
def test_mask_is_what_was_drawn(draw: drawing.Draw, seed: int) -> None:
    rng = np.random.default_rng(seed)
    clean = rng.uniform(60, 200, (256, 256)).astype(np.float32)
    picture, mask = draw(clean, rng)
    assert (picture[~mask] == clean[~mask]).all()
    assert (picture[mask] != clean[mask]).mean() > 0.99
    assert picture.min() >= 0
    assert picture.max() <= 255
    assert 100 < mask.sum() < 8000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "TRAIN", 3)
        patch.setattr(drawing, "NORMAL", 2)
        patch.setattr(drawing, "PER_DEFECT", 1)
        sample.make(folder)
    return folder


def load(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_contents(root: Path) -> None:
    problems: list[str] = []
    samples = sample.samples(root, problems.append)
    assert problems == []
    assert len(samples) == 3 * (3 + 2 + 4)
    assert {s.defect for s in samples} == {"good", "scratch", "stain", "hole", "thread"}
    assert load(root / samples[0].image).shape == (256, 256)
    assert "not a benchmark" in (root / "README.md").read_text()


@pytest.mark.parametrize("category", sample.CATEGORIES)
def test_train_and_test_share_no_pixel(root: Path, category: str) -> None:
    """A train crop fits into the left half of the texture, a test crop into the right half alone."""
    texture = getattr(skimage.data, category)().astype(float)

    def distance(picture: np.ndarray, half: np.ndarray) -> float:
        candidates = [half[top : top + 256, :] for top in range(257)]
        flat = np.stack([c for crop in candidates for c in (crop, crop[:, ::-1])])[:, ::8, ::8].reshape(
            514, -1
        )
        wanted = picture[::8, ::8].astype(float).ravel()
        return float(1 - max(np.corrcoef(wanted, row)[0, 1] for row in flat))

    train, test = load(root / category / "train/good/001.png"), load(root / category / "test/good/001.png")
    assert distance(train, texture[:, :256]) < 0.02 < distance(train, texture[:, 256:])
    assert distance(test, texture[:, 256:]) < 0.02 < distance(test, texture[:, :256])


def test_same_pixels_every_time(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "TRAIN", 3)
    monkeypatch.setattr(drawing, "NORMAL", 2)
    monkeypatch.setattr(drawing, "PER_DEFECT", 1)
    drawing.draw_sample_set(tmp_path, ["brick"])
    files = sorted((tmp_path / "brick").rglob("*.png"))
    assert len(files) == 3 + 2 + 4 + 4
    for file in files:
        assert (load(file) == load(root / file.relative_to(tmp_path))).all()
