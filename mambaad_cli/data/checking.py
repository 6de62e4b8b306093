"""Looking a dataset over: every problem of a folder, and whether a dataset still is what was fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mambaad_cli.data import manifest
from mambaad_cli.data import receipt as receipts
from mambaad_cli.data.datasets import folder
from mambaad_cli.data.images import full_mask, open_picture
from mambaad_cli.data.info import DatasetInfo, Progress, Sample, silent
from mambaad_cli.data.parallel import in_threads
from mambaad_cli.data.recognise import recognise
from mambaad_cli.data.registry import find
from mambaad_cli.data.survey import holds_below, survey
from mambaad_cli.errors import DataError, MambaadError


@dataclass(frozen=True)
class Findings:
    """What a look at a dataset brought."""

    info: DatasetInfo
    root: Path
    receipt: dict[str, Any]
    """What is there, as a receipt."""
    problems: list[str]


def check(path: Path, progress: Progress = silent) -> Findings:
    """Look at any folder of pictures before it is used; the dataset is recognised by what is in the folder.

    Raises:
        DataError: there is no folder `path`.
    """
    if not path.is_dir():
        raise DataError(f"there is no folder {path}", "--check takes a folder of pictures")
    info = recognise(path) or folder.info_of(path)
    root = holds_below(info, path) or path
    samples, problems = survey(info, root)
    receipt = receipts.compose(info, root, samples, [])
    return Findings(info, root, receipt, problems + _picture_problems(root, samples, progress))


def verify(name: str, data_root: Path, progress: Progress = silent) -> Findings:
    """Hash and decode every file of a fetched dataset again, and compare with what was there then.

    Raises:
        DataError: it is not there.
    """
    info = find(name)
    home = data_root / info.key
    receipt = receipts.read(home)
    if receipt is None:
        raise DataError(f"{info.title} is not in {home.resolve()}", f"get it: mambaad fetch {name}")
    if info.choose is not None:
        resolution, *views = receipt["choice"].split()
        info = info.choose(resolution, tuple(views))
    root = Path(receipt["linked"] or home)
    problems = manifest.problems(home / receipts.FOLDER, root, progress)
    samples, more = survey(info, root)
    now = receipts.compose(info, home, samples, receipt["origins"])
    problems += more
    for category, before in receipt["counts"].items():
        if now["counts"].get(category) != before:
            problems.append(f"category {category!r} has not the pictures that were fetched")
    return Findings(
        info, root, now, list(dict.fromkeys(problems + _picture_problems(root, samples, progress)))
    )


def _picture_problems(root: Path, samples: Sequence[Sample], progress: Progress) -> list[str]:
    found = in_threads(lambda sample: _look(root, sample), samples, "reading pictures", progress)
    return [problem for problems in found for problem in problems]


def _look(root: Path, sample: Sample) -> list[str]:
    """The problem of a picture and its mask: unreadable, of different sizes, or nothing marked."""
    try:
        size = open_picture(root / sample.image).size
        if sample.mask is None:
            return []
        mask = full_mask(root / sample.mask)
    except MambaadError as error:
        return [error.message]
    if mask.shape[::-1] != size:
        return ["mask {} is {} x {}, its picture {} x {}".format(sample.mask, *mask.shape[::-1], *size)]
    return [] if mask.any() else [f"mask {sample.mask} marks no pixel"]
