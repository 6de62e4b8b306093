"""The store of resized pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mambaad_cli.data import store
from mambaad_cli.data.images import read_image
from mambaad_cli.data.info import Sample
from mambaad_cli.data.store import ImageStore
from mambaad_cli.errors import DataError


@pytest.fixture
def samples(tree: Any) -> list[Sample]:
    tree.mvtec("nut", train=6)
    return [Sample(f"nut/train/good/{i:03}.png", None, "nut", "good", 0, "train") for i in range(6)]


def test_holds_the_pictures_in_order(tree: Any, samples: list[Sample]) -> None:
    pictures = ImageStore.open(tree.root, samples, 8)
    assert len(pictures) == 6
    expected = np.stack([read_image(tree.root / sample.image, 8) for sample in samples])
    assert (pictures[:] == expected).all()
    assert (pictures[[4, 1]] == expected[[4, 1]]).all()
    assert (pictures[np.array([5])] == expected[5:]).all()
    assert pictures[2].shape == (8, 8, 3)
    assert isinstance(pictures.pixels, np.memmap)


def test_what_it_gives_is_yours(tree: Any, samples: list[Sample]) -> None:
    pictures = ImageStore.open(tree.root, samples, 8)
    batch = pictures[:2]
    batch[:] = 0
    assert pictures[:2].any()


def test_is_read_from_the_cache(tree: Any, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    first = ImageStore.open(tree.root, samples, 8)[:]

    def forbidden(*_: Any) -> Any:
        raise AssertionError("decoded again")

    monkeypatch.setattr(store, "read_image", forbidden)
    assert (ImageStore.open(tree.root, samples, 8)[:] == first).all()


def test_depends_on_content_size_and_list(tree: Any, samples: list[Sample]) -> None:
    before = ImageStore.open(tree.root, samples, 8)[0]
    tree.picture("nut/train/good/000.png")
    os.utime(tree.root / "nut/train/good/000.png", ns=(1, 1))
    assert (ImageStore.open(tree.root, samples, 8)[0] != before).any()
    assert ImageStore.open(tree.root, samples, 6)[0].shape == (6, 6, 3)
    assert len(ImageStore.open(tree.root, samples[:2], 8)) == 2


def test_reports_progress(tree: Any, samples: list[Sample]) -> None:
    from contextlib import nullcontext

    seen: list[Any] = []

    def progress(description: str, total: int) -> Any:
        seen.append((description, total))
        return nullcontext(lambda steps, note: seen.append(steps))

    ImageStore.open(tree.root, samples, 8, progress)
    assert seen == [("reading pictures", 6), 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n broken", None])
def test_broken_picture(tree: Any, samples: list[Sample], content: bytes | None) -> None:
    path = tree.root / samples[3].image
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match="003"):
        ImageStore.open(tree.root, samples, 8)
    tree.picture(samples[3].image)
    assert len(ImageStore.open(tree.root, samples, 8)) == 6


def test_cache_that_cannot_be_written(
    tree: Any, samples: list[Sample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "open_memmap", full)
    with pytest.raises(DataError) as caught:
        ImageStore.open(tree.root, samples, 8)
    assert "No space left" in caught.value.message
    assert "MAMBAAD_CACHE" in (caught.value.hint or "")
