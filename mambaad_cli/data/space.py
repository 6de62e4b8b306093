"""Whether there is room on the disk, asked before it is needed."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from mambaad_cli.data.info import MB
from mambaad_cli.errors import DataError

TAR_GROWTH = 1.1
"""Bytes of content per byte of a tar archive of pictures, which hardly compress."""


def check(folder: Path, needed: float, what: str) -> None:
    """`DataError` when the disk of `folder`, which need not exist yet, has no room for `needed` bytes."""
    free = free_bytes(folder)
    if needed > free:
        raise DataError(
            f"{what} needs {needed / MB:,.0f} MB, {folder.resolve()} has {free / MB:,.0f} MB free",
            "make room, or choose another disk: --data-dir PATH (or MAMBAAD_DATA=PATH)",
        )


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk of `folder`, which need not exist yet."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def unpacked_size(archive: Path) -> float:
    """Bytes of the content of an archive: exact for zip, estimated for tar."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            return sum(entry.file_size for entry in zipped.infolist())
    return TAR_GROWTH * archive.stat().st_size
