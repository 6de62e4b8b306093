"""The receipt of a dataset on disk: where it came from and what is there. Light to read: plain JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mambaad_cli.data.info import Counts, DatasetInfo, Sample

FOLDER = ".mambaad"
SCHEMA = "mambaad.receipt/1"


def read(home: Path) -> dict[str, Any] | None:
    """The receipt in `home`; None when the dataset is not there or was not completed."""
    receipt = read_json(home / FOLDER / "receipt.json")
    return receipt if receipt is not None and receipt.get("schema") == SCHEMA else None


def write(home: Path, receipt: dict[str, Any]) -> None:
    """Write the receipt into `home`, whole or not at all."""
    write_json(home / FOLDER / "receipt.json", receipt)


def remove(home: Path) -> None:
    """Take the receipt away: the dataset is not complete."""
    (home / FOLDER / "receipt.json").unlink(missing_ok=True)


def mark(home: Path, archive: str) -> Path:
    """The file that says that the content of an archive is in place, and where it came from."""
    return home / FOLDER / "placed" / f"{archive.replace('/', '-')}.json"


def forget(home: Path) -> None:
    """Make everything in `home` count as not there."""
    remove(home)
    shutil.rmtree(home / FOLDER / "placed", ignore_errors=True)


def origin(source: str, sha256: str | None = None, size: int | None = None) -> dict[str, Any]:
    """Where an archive or folder came from; hash and bytes are those of an archive."""
    return {"source": source, "sha256": sha256, "bytes": size}


def compose(
    info: DatasetInfo,
    home: Path,
    samples: Sequence[Sample],
    origins: list[dict[str, Any]],
    linked: Path | None = None,
) -> dict[str, Any]:
    """A new receipt.

    Args:
        info: the dataset.
        home: its folder.
        samples: what is there.
        origins: the `origin` of each archive or folder that it came from.
        linked: folder of the pictures when they stay elsewhere.
    """
    counts = count(samples)
    return {
        "schema": SCHEMA,
        "name": info.key,
        "title": info.title,
        "choice": info.choice,
        "linked": str(linked.resolve()) if linked else None,
        "origins": origins,
        "date": now(),
        "licence": info.licence,
        "licence_accepted": licence_accepted(home),
        "counts": {category: asdict(number) for category, number in counts.items()},
        "published": {
            category: asdict(info.counts[category]) for category in counts if category in info.counts
        },
        "missing": [category for category in info.categories if category not in counts],
    }


def count(samples: Iterable[Sample]) -> dict[str, Counts]:
    """Counts per category, in the order of first appearance."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.category, []).append(sample)
    return {category: Counts.of(group) for category, group in groups.items()}


def accept_licence(home: Path, licence: str) -> None:
    """Note in `home` that the user accepted the licence, for this and later attempts."""
    write_json(home / FOLDER / "licence.json", {"licence": licence, "accepted": now()})


def licence_accepted(home: Path) -> str | None:
    """When the user accepted the licence, None when not."""
    note = read_json(home / FOLDER / "licence.json")
    return note.get("accepted") if note else None


def now() -> str:
    """The time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_json(file: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None when there is no such file or no object in it."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    part.replace(file)
