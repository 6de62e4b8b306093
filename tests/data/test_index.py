"""Opening datasets, and the receipt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data import registry
from mambaad_cli.data.fetching import fetch
from mambaad_cli.data.images import read_image
from mambaad_cli.data.index import build_index, open_dataset
from mambaad_cli.data.survey import read_samples
from mambaad_cli.errors import DataError, UsageError


@pytest.fixture
def data(native: Callable[[str], Path], tmp_path: Path) -> Path:
    """A folder of datasets with a part of MVTec AD in it."""
    fetch("mvtec", tmp_path / "data", source=native("mvtec"))
    return tmp_path / "data"


def test_table(data: Path) -> None:
    index = open_dataset("mvtec", data)
    expected = read_samples(registry.find("mvtec"), data / "mvtec")
    assert index.samples("train") + index.samples("test") == sorted(expected, key=lambda s: s.split == "test")
    assert index.table.column_names == [*expected[0].__dataclass_fields__]
    assert (index.name, index.title, index.root) == ("mvtec", "MVTec AD", data / "mvtec")
    assert index.categories == ["bottle", "grid"]


def test_only_some_categories(data: Path) -> None:
    index = open_dataset("mvtec", data, ["grid"])
    assert index.categories == ["grid"]
    assert {s.category for s in index.samples("train") + index.samples("test")} == {"grid"}


def test_is_where_the_folder_is_moved_to(data: Path, tmp_path: Path) -> None:
    data.rename(tmp_path / "moved")
    index = open_dataset("mvtec", tmp_path / "moved")
    assert (index.root / index.samples("train")[0].image).is_file()


def test_receipt(data: Path) -> None:
    receipt = open_dataset("mvtec", data).receipt
    assert receipt["counts"]["grid"] == {"train": 3, "test_normal": 2, "test_anomalous": 2}
    assert receipt["published"]["grid"] == {"train": 264, "test_normal": 21, "test_anomalous": 57}
    assert len(receipt["missing"]) == 13
    assert receipt["licence"] == "CC BY-NC-SA 4.0"
    assert receipt["origins"][0]["source"].endswith("mvtec")
    assert receipt["date"]


def test_missing_dataset(data: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_dataset("visa", data)
    assert str(data / "visa") in caught.value.message
    for remedy in ("mambaad fetch visa", "--data-dir PATH", "MAMBAAD_DATA=PATH"):
        assert remedy in (caught.value.hint or "")


def test_unknown_dataset(data: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_dataset("mvtek", data)
    assert "did you mean mvtec" in caught.value.message


def test_unknown_category(data: Path) -> None:
    with pytest.raises(UsageError) as caught:
        open_dataset("mvtec", data, ["botle"])
    assert "did you mean bottle" in caught.value.message
    assert "zipper" in (caught.value.hint or "")


def test_category_that_was_not_imported(data: Path) -> None:
    with pytest.raises(DataError, match="only bottle, grid"):
        open_dataset("mvtec", data, ["zipper"])


def test_picture_deleted_since(data: Path) -> None:
    sample = open_dataset("mvtec", data).samples("train")[0]
    (data / "mvtec" / sample.image).unlink()
    with pytest.raises(DataError, match="000"):
        read_image(data / "mvtec" / sample.image, 8)


def test_damaged_index(data: Path) -> None:
    for file in (data / "mvtec/.mambaad/index").iterdir():
        file.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        open_dataset("mvtec", data)
    assert "--from" in (caught.value.hint or "")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "mambaad.receipt/0"}'])
def test_damaged_receipt_counts_as_none(data: Path, content: str) -> None:
    (data / "mvtec/.mambaad/receipt.json").write_text(content)
    with pytest.raises(DataError, match="is not in"):
        open_dataset("mvtec", data)


def test_a_folder_not_in_order_keeps_the_old_index(data: Path) -> None:
    (data / "mvtec/grid/test/cut/000.png").unlink()
    with pytest.raises(DataError, match="ground_truth/cut/000_mask"):
        build_index(registry.find("mvtec"), data / "mvtec", [])
    assert len(open_dataset("mvtec", data).samples("test")) == 8


def test_many_problems_are_cut_short(tree: Any) -> None:
    tree.mvtec("grid")
    tree.picture(*(f"grid/test/bent/{i}.png" for i in range(15)))
    with pytest.raises(DataError) as caught:
        read_samples(registry.find("mvtec"), tree.root)
    assert caught.value.message.count("no mask") == 10
    assert "... and 5 more" in caught.value.message


def test_registry_is_light() -> None:
    """Listing datasets must not load what training needs."""
    import subprocess
    import sys

    heavy = {"torch", "numpy", "pandas", "datasets", "PIL"}
    code = f"import sys, mambaad_cli.data.state; print(sorted({heavy!r} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
