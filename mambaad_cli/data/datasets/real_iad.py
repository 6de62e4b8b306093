"""Real-IAD: 30 categories, each object seen by five cameras C1 to C5.

    realiad_jsons/{category}.json              who is in which split; also in realiad_jsons/realiad_jsons/
    realiad_{resolution}/{category}/OK/S0001/{category}_0001_OK_C1_{time}.jpg
    realiad_{resolution}/{category}/NG/{code}/S0001/{category}_0001_NG_{code}_C1_{time}.jpg, and a mask .png

A JSON file holds {"meta": {"normal_class": "OK"}, "train": [record, ...], "test": [...]}, a record category,
anomaly_class, image_path and mask_path, relative to the category's folder. Label, split and mask come from
there alone.
The form of ADer, {category}.json beside {category}/, is read too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mambaad_cli.data.info import Archive, DatasetInfo, Report, Sample, Source
from mambaad_cli.data.layout import short
from mambaad_cli.errors import UsageError

CATEGORIES = (
    "audiojack", "bottle_cap", "button_battery", "end_cap", "eraser", "fire_hood", "mint", "mounts", "pcb",
    "phone_battery", "plastic_nut", "plastic_plug", "porcelain_doll", "regulator", "rolled_strip_base",
    "sim_card_set", "switch", "tape", "terminalblock", "toothbrush", "toy", "toy_brick", "transistor1",
    "u_block", "usb", "usb_adaptor", "vcpill", "wooden_beads", "woodstick", "zipper",
)  # fmt: skip
RESOLUTIONS = ("256", "512", "1024", "raw")
PUBLISHED = "1024"
VIEWS = ("C1", "C2", "C3", "C4", "C5")
REPOSITORY = "Real-IAD/Real-IAD"


def choose(resolution: str, views: tuple[str, ...]) -> DatasetInfo:
    """Real-IAD at `resolution` ("" = 1024, that of published work) with the cameras `views` (() = all five).

    Raises:
        UsageError: no such resolution or camera.
    """
    resolution = resolution or PUBLISHED
    if resolution not in RESOLUTIONS:
        raise UsageError(
            f"Real-IAD has no resolution {resolution!r}", f"resolutions: {', '.join(RESOLUTIONS)}"
        )
    if unknown := [view for view in views if view not in VIEWS]:
        raise UsageError(f"Real-IAD has no view {unknown[0]!r}", f"views: {', '.join(VIEWS)}")
    return replace(
        INFO,
        samples=partial(_samples, resolution=resolution, views=views or VIEWS),
        archives=_archives(resolution),
        pictures_in=f"realiad_{resolution}",
        choice=" ".join((resolution, *views)),
    )


def holds(root: Path) -> bool:
    """True when `root` has pictures or the split of Real-IAD."""
    folders = [root, *(root / f"realiad_{resolution}" for resolution in RESOLUTIONS)]
    return any(
        (folder / category / "OK").is_dir() or (folder / category / "NG").is_dir()
        for folder in folders
        for category in CATEGORIES
    ) or any(_split_file(root, category) for category in CATEGORIES)


def _samples(root: Path, report: Report, resolution: str, views: tuple[str, ...]) -> list[Sample]:
    samples = []
    for category in CATEGORIES:
        home, split_file = _home(root, category, resolution), _split_file(root, category)
        if home is not None and split_file is None:
            report(f"{category}.json is missing, which says what is for training; it is in realiad_jsons.zip")
        elif home is not None and split_file is not None:
            try:
                samples += _read_category(root, category, home, split_file, views, report)
            except (ValueError, KeyError, TypeError, IndexError) as error:
                report(f"{short(split_file, root)} is not a split of Real-IAD: {error!r}")
    return samples


def _home(root: Path, category: str, resolution: str) -> Path | None:
    homes = (root / f"realiad_{resolution}" / category, root / category)
    return next((home for home in homes if home.is_dir()), None)


def _split_file(root: Path, category: str) -> Path | None:
    folders = (root / "realiad_jsons" / "realiad_jsons", root / "realiad_jsons", root)
    files = (folder / f"{category}.json" for folder in folders)
    return next((file for file in files if file.is_file()), None)


def _read_category(
    root: Path, category: str, home: Path, split_file: Path, views: tuple[str, ...], report: Report
) -> list[Sample]:
    table = json.loads(split_file.read_text(encoding="utf-8"))
    normal, prefix = table["meta"]["normal_class"], short(home, root)
    splits: tuple[Literal["train"], Literal["test"]] = ("train", "test")
    found = (
        _sample(root, category, prefix, split, record, normal, report)
        for split in splits
        for record in table[split]
        if _view(record["image_path"]) in views
    )
    return [sample for sample in found if sample is not None]


def _sample(
    root: Path,
    category: str,
    prefix: str,
    split: Literal["train", "test"],
    record: dict[str, Any],
    normal: str,
    report: Report,
) -> Sample | None:
    image = f"{prefix}/{record['image_path']}"
    anomalous = record["anomaly_class"] != normal
    mask = f"{prefix}/{record['mask_path']}" if anomalous and record["mask_path"] else None
    for path in (image, mask):
        if path is not None and not (root / path).is_file():
            report(f"{path} is in {category}.json but not in the folder")
            return None
    if anomalous and mask is None:
        report(f"no mask for the anomalous picture {image}")
        return None
    defect = record["anomaly_class"] if anomalous else "good"
    view = _view(image)
    return Sample(image, mask, category, defect, int(anomalous), split, view, _item(image, view))


def _view(image: str) -> str:
    """The camera: the field before the time in the name of a file."""
    return Path(image).stem.split("_")[-2]


def _item(image: str, view: str) -> str:
    """The object: what the names of its five pictures share before the camera."""
    return Path(image).stem.rsplit(f"_{view}_", 1)[0]


def _archives(resolution: str) -> tuple[Archive, ...]:
    """The split, and one archive of pictures per category. Nobody published their hashes."""
    names = ["realiad_jsons.zip", *(f"realiad_{resolution}/{category}.zip" for category in CATEGORIES)]
    return tuple(Archive(name, (Source("hub", f"{REPOSITORY}/{name}"),)) for name in names)


INFO = DatasetInfo(
    key="real_iad",
    title="Real-IAD",
    categories=CATEGORIES,
    licence="CC BY-NC-SA 4.0, research",
    homepage="https://realiad4ad.github.io/Real-IAD/",
    citation=(
        "C. Wang et al.: Real-IAD: A Real-World Multi-View Dataset for Benchmarking Versatile Industrial "
        "Anomaly Detection. CVPR 2024, arXiv 2403.12580."
    ),
    access="on request",
    samples=partial(_samples, resolution=PUBLISHED, views=VIEWS),
    holds=holds,
    archives=_archives(PUBLISHED),
    pictures_in=f"realiad_{PUBLISHED}",
    companions=("*.json", "realiad_jsons/*.json", "realiad_jsons/realiad_jsons/*.json"),
    choose=choose,
    choice=PUBLISHED,
)
