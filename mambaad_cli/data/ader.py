"""meta.json, the table of samples that ADer and its relatives keep beside the pictures.

    {"train": {category: [record, ...]}, "test": ...}
    record: img_path, mask_path ("" when normal), cls_name, specie_name, anomaly (0 or 1)

The program that writes it pairs masks by sorted position, so that one stray file shifts all of them: a pair
whose stems differ is a problem here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from mambaad_cli.data.info import Report, Sample

FILE = "meta.json"


def categories(root: Path) -> list[str]:
    """The categories that meta.json in `root` names; none when there is no such file or it is no table."""
    return list(dict.fromkeys(category for part in _read(root).values() for category in part))


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of meta.json in `root`. "validation" counts as training, as ADer has it."""
    splits: tuple[tuple[str, Literal["train", "test"]], ...]
    splits = (("train", "train"), ("validation", "train"), ("test", "test"))
    table = _read(root)
    records = [
        (split, category, record)
        for part, split in splits
        for category, entries in table.get(part, {}).items()
        for record in entries
    ]
    return [sample for entry in records if (sample := _sample(root, *entry, report)) is not None]


def _sample(
    root: Path, split: Literal["train", "test"], category: str, record: dict[str, Any], report: Report
) -> Sample | None:
    image, mask = record["img_path"], record["mask_path"] or None
    for path in (image, mask):
        if path is not None and not (root / path).is_file():
            report(f"{path} is in {FILE} but not in the folder")
            return None
    label = int(record["anomaly"])
    if label and mask and Path(mask).stem.removesuffix("_mask") != Path(image).stem:
        report(f"{FILE} pairs the picture {image} with the mask of another one, {mask}")
        return None
    if not label:
        return Sample(image, None, category, "good", 0, split)
    return Sample(image, mask, category, record["specie_name"], 1, split)


def _read(root: Path) -> dict[str, dict[str, list[dict[str, Any]]]]:
    try:
        table = json.loads((root / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}
