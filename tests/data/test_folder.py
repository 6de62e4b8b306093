"""Any folder of pictures as a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data.index import open_dataset
from mambaad_cli.data.info import Counts
from mambaad_cli.data.receipt import count
from mambaad_cli.errors import DataError, UsageError


def open_folder(path: Path, categories: list[str] | None = None) -> Any:
    return open_dataset(f"folder:{path}", path / "no-data-here", categories)


def test_mvtec_layout(tree: Any) -> None:
    tree.mvtec("nut")
    tree.mvtec("bolt")
    index = open_folder(tree.root)
    assert index.categories == ["bolt", "nut"]
    assert count([*index.samples("train"), *index.samples("test")])["nut"] == Counts(3, 2, 2)
    assert [s.category for s in open_folder(tree.root, ["nut"]).samples("train")] == ["nut"] * 3


def test_one_category(tree: Any) -> None:
    tree.mvtec("nut")
    index = open_folder(tree.root / "nut")
    assert index.categories == ["nut"]
    assert (index.root / index.samples("train")[0].image).is_file()


def test_good_and_bad(tree: Any) -> None:
    tree.picture(*(f"good/{i}.jpg" for i in range(10)), "bad/a.jpg", "bad/dent/b.jpg")
    tree.mask("masks/a.png", "masks/dent/b_mask.png")
    index = open_folder(tree.root)
    assert [s.image for s in index.samples("test") if not s.label] == ["good/4.jpg", "good/9.jpg"]
    assert len(index.samples("train")) == 8
    assert [(s.image, s.mask, s.defect) for s in index.samples("test") if s.label] == [
        ("bad/a.jpg", "masks/a.png", "bad"),
        ("bad/dent/b.jpg", "masks/dent/b_mask.png", "dent"),
    ]


def test_bad_without_masks(tree: Any) -> None:
    tree.picture(*(f"nut/good/{i}.jpg" for i in range(5)), "nut/bad/a.jpg")
    assert [(s.mask, s.label) for s in open_folder(tree.root).samples("test")] == [(None, 0), (None, 1)]


def test_good_alone_is_for_training(tree: Any) -> None:
    tree.picture(*(f"good/{i}.jpg" for i in range(5)))
    index = open_folder(tree.root)
    assert len(index.samples("train")) == 5
    assert index.samples("test") == []


def test_meta_json(tree: Any) -> None:
    tree.picture("photos/a.png", "photos/b.png")
    tree.mask("masks/b.png")
    record = {"cls_name": "nut", "img_path": "photos/a.png", "mask_path": "", "specie_name": "", "anomaly": 0}
    bad = {
        **record,
        "img_path": "photos/b.png",
        "mask_path": "masks/b.png",
        "specie_name": "dent",
        "anomaly": 1,
    }
    tree.text("meta.json", json.dumps({"train": {"nut": [record]}, "test": {"nut": [bad]}}))
    index = open_folder(tree.root)
    assert [s.image for s in index.samples("train")] == ["photos/a.png"]
    assert [(s.image, s.defect) for s in index.samples("test")] == [("photos/b.png", "dent")]


def test_nothing_is_written_into_the_folder(tree: Any) -> None:
    tree.mvtec("nut")
    before = sorted(tree.root.rglob("*"))
    open_folder(tree.root)
    assert sorted(tree.root.rglob("*")) == before


def test_new_pictures_are_seen_at_once(tree: Any) -> None:
    tree.mvtec("nut")
    open_folder(tree.root)
    tree.picture("nut/train/good/new.png")
    assert len(open_folder(tree.root).samples("train")) == 4


def test_all_problems_in_one_error(tree: Any) -> None:
    tree.mvtec("nut")
    (tree.root / "nut/ground_truth/cut/000_mask.png").unlink()
    (tree.root / "nut/test/cut/001.png").unlink()
    with pytest.raises(DataError) as caught:
        open_folder(tree.root)
    assert "nut/test/cut/000.png" in caught.value.message
    assert "nut/ground_truth/cut/001_mask.png" in caught.value.message
    assert f"mambaad fetch --check {tree.root}" in (caught.value.hint or "")


def test_not_a_dataset(tree: Any, tmp_path: Path) -> None:
    tree.picture("a.png")
    with pytest.raises(DataError, match="train/good/ or good/"):
        open_folder(tree.root)
    with pytest.raises(DataError, match="there is no folder"):
        open_folder(tmp_path / "nowhere")


def test_unknown_category(tree: Any) -> None:
    tree.mvtec("nut")
    with pytest.raises(UsageError) as caught:
        open_folder(tree.root, ["nit"])
    assert "did you mean nut" in caught.value.message
