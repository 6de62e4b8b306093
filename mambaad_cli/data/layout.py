"""Reading folders of pictures and pairing anomalous pictures with masks by stem, never by position."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from mambaad_cli.data.info import Report, Sample

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})


def pictures(folder: Path) -> list[Path]:
    """The pictures directly in `folder`, sorted by name, without hidden files."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def subfolders(folder: Path) -> list[Path]:
    """The visible folders directly in `folder`, sorted by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def holds_category(root: Path, categories: Iterable[str], inside: str = "train/good") -> bool:
    """True when `root` has the folder of at least one of `categories` with the folder `inside` in it."""
    return any((root / category / inside).is_dir() for category in categories)


def by_stem(paths: Iterable[Path], report: Report, root: Path, ending: str = "") -> dict[str, Path]:
    """Files by stem, without `ending` where a stem has it. Two files of one stem are a problem."""
    found: dict[str, Path] = {}
    for path in paths:
        stem = path.stem.removesuffix(ending)
        if stem in found:
            report(f"two files for one picture: {short(found[stem], root)} and {short(path, root)}")
        found[stem] = path
    return found


def pair(
    images: Iterable[Path], masks: Iterable[Path], root: Path, report: Report, ending: str = "_mask"
) -> list[tuple[Path, Path]]:
    """Pairs of picture and mask with the same stem; the mask's stem may end in `ending`.

    A picture without a mask and a mask without a picture go to `report` and are left out.
    """
    image_of = by_stem(images, report, root)
    mask_of = by_stem(masks, report, root, ending)
    for stem in sorted(image_of.keys() - mask_of.keys()):
        report(f"no mask for the anomalous picture {short(image_of[stem], root)}")
    for stem in sorted(mask_of.keys() - image_of.keys()):
        report(f"no picture for the mask {short(mask_of[stem], root)}")
    return [(image_of[stem], mask_of[stem]) for stem in sorted(image_of.keys() & mask_of.keys())]


def normals(
    root: Path, category: str, folder: Path, split: Literal["train", "test"], report: Report
) -> list[Sample]:
    """The normal samples of one folder; for training there must be some."""
    found = by_stem(pictures(folder), report, root).values()
    if split == "train" and not found:
        report(f"category {category!r} has no pictures in {short(folder, root)}")
    return [Sample(short(path, root), None, category, "good", 0, split) for path in found]


def anomalies(
    root: Path, category: str, defect: str, images: Path, masks: Path | None, report: Report
) -> list[Sample]:
    """The anomalous test samples of one folder with their masks; unknown without a folder of masks."""
    found = pictures(images)
    if not found and not pictures(masks or images):
        report(f"defect folder {short(images, root)} has no pictures")
    pairs: Iterable[tuple[Path, Path | None]]
    pairs = pair(found, pictures(masks), root, report) if masks else ((image, None) for image in found)
    return [
        Sample(short(image, root), short(mask, root) if mask else None, category, defect, 1, "test")
        for image, mask in pairs
    ]


def read_category(
    root: Path, category: str, report: Report, *, folder: str = "", normal: str = "good"
) -> list[Sample]:
    """Samples of one category in the MVTec layout.

        {folder}/train/{normal}/000.png
        {folder}/test/{normal or defect}/000.png
        {folder}/ground_truth/{defect}/000_mask.png    (or 000.png)

    Args:
        root: root of the dataset.
        category: name of the category.
        report: takes each problem.
        folder: the category's folder relative to `root` when it is not named like the category.
        normal: name of the folders of normal pictures.
    """
    home = root / (folder or category)
    samples = normals(root, category, home / "train" / normal, "train", report)
    test = normals(root, category, home / "test" / normal, "test", report)
    defects = {path.name for path in subfolders(home / "test") + subfolders(home / "ground_truth")} - {normal}
    for defect in sorted(defects):
        test += anomalies(
            root, category, defect, home / "test" / defect, home / "ground_truth" / defect, report
        )
    if not test:
        report(f"category {category!r} has no pictures in {short(home / 'test', root)}")
    return samples + test


def read_categories(
    root: Path, categories: Iterable[str], report: Report, normal: str = "good"
) -> list[Sample]:
    """Samples of those of `categories` that have a folder in `root`, in the MVTec layout."""
    here = [category for category in categories if (root / category).is_dir()]
    return [sample for category in here for sample in read_category(root, category, report, normal=normal)]


def short(path: Path, root: Path) -> str:
    """`path` relative to `root`, with "/" on every system."""
    return path.relative_to(root).as_posix()
