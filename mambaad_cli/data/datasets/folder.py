"""Any folder of pictures as a dataset.

MVTec layout: PATH holds category folders with train/good, test/... and ground_truth/..., or is one itself.
Plain layout: PATH holds category folders with good/, bad/ and perhaps masks/, or is one itself. bad/ holds
pictures, or a folder of pictures per defect; masks/ is built like bad/. With bad pictures there is a test
split: every fifth good picture in the order of names belongs to it; the others are for training.
A folder of another layout with a meta.json is read by that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mambaad_cli.data import ader
from mambaad_cli.data.info import DatasetInfo, Report, Sample
from mambaad_cli.data.layout import anomalies, normals, pictures, read_category, short, subfolders

TEST_EVERY = 5


def info_of(root: Path) -> DatasetInfo:
    """The facts of the folder `root`, as far as the folder tells them."""
    return DatasetInfo(
        key=f"folder:{root}",
        title=root.resolve().name,
        categories=tuple(_categories(root) or ader.categories(root)),
        licence="yours",
        homepage="",
        citation="",
        access="on this computer",
        samples=samples,
        holds=holds,
    )


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the folder `root`."""
    found = _categories(root)
    if not found and ader.categories(root):
        return ader.samples(root, report)
    if not found:
        report("neither this folder nor one in it has train/good/ or good/, and there is no meta.json")
    return [
        sample
        for category, home in found.items()
        for sample in (
            read_category(root, category, report, folder=short(home, root))
            if (home / "train").is_dir()
            else _read_plain(root, category, home, report)
        )
    ]


def holds(root: Path) -> bool:
    """True when `root` can be read as a dataset."""
    return bool(_categories(root) or ader.categories(root))


def _categories(root: Path) -> dict[str, Path]:
    """Folder of each category by name: `root` itself when it is one category."""
    if _is_category(root):
        return {root.resolve().name: root}
    return {home.name: home for home in subfolders(root) if _is_category(home)}


def _is_category(home: Path) -> bool:
    return (home / "train").is_dir() or (home / "good").is_dir()


def _read_plain(root: Path, category: str, home: Path, report: Report) -> list[Sample]:
    bad = _read_bad(root, category, home, report)
    good = normals(root, category, home / "good", "train", report)
    held_back = set(range(TEST_EVERY - 1, len(good), TEST_EVERY)) if bad else set()
    return [
        replace(sample, split="test") if i in held_back else sample for i, sample in enumerate(good)
    ] + bad


def _read_bad(root: Path, category: str, home: Path, report: Report) -> list[Sample]:
    """Anomalous samples: type "bad" for pictures directly in bad/, else the name of their folder."""
    bad, masks = home / "bad", home / "masks"
    with_masks = masks.is_dir()
    samples = (
        anomalies(root, category, "bad", bad, masks if with_masks else None, report) if pictures(bad) else []
    )
    for folder in subfolders(bad):
        samples += anomalies(
            root, category, folder.name, folder, masks / folder.name if with_masks else None, report
        )
    return samples
