"""Unpacking archives that nobody vouches for: regular files only, inside the folder only, up to a bound."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from mambaad_cli.data.info import MB, Progress, megabytes, silent
from mambaad_cli.errors import DataError

MAX_FILES = 1_000_000
MAX_GROWTH = 50
"""Unpacked bytes per byte of archive at most. Pictures hardly compress; even plain bitmaps stay below."""
FREE_GROWTH = 64 * 2**20
"""Bytes that any archive may unpack to, however small it is."""
CHUNK = 2**20
BROKEN = (
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,
)
"""What the standard library raises for an archive that is cut short, damaged, encrypted or no archive."""
OPENERS: dict[bytes, Callable[[Any], Any]] = {
    b"\xfd7zXZ\0": lzma.open,
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
}
"""Decompressors by the first bytes of a file."""


def is_archive(path: Path) -> bool:
    """True for a tar (plain, gz, bz2, xz) or zip file, judged by its content."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def unpack(archive: Path, folder: Path, progress: Progress = silent) -> None:
    """Unpack `archive` into the new folder `folder`; what an interrupted attempt left there is removed first.

    Args:
        archive: tar (plain, gz, bz2, xz) or zip file.
        folder: made by this function.
        progress: shows how many MB of the archive are done.

    Raises:
        DataError: the file is broken, or holds a link, a device or a path that leads out of `folder`, or
            unpacks to more than `MAX_FILES` files or `FREE_GROWTH` + `MAX_GROWTH` x its size bytes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    size = archive.stat().st_size
    budget = _Budget(FREE_GROWTH + MAX_GROWTH * size, archive)
    try:
        with archive.open("rb") as raw, progress("unpacking", size // MB) as advance:
            reach = megabytes(advance)
            for name, content in _members(raw, archive, budget):
                budget.spend_file()
                target = folder / _inside(name, archive)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    while chunk := content.read(CHUNK):
                        out.write(chunk)
                reach(raw.tell())
    except BROKEN as error:
        raise DataError(f"archive {archive} is broken: {error}", "download it again") from error


class _Budget:
    """What an archive may still unpack to."""

    def __init__(self, size: int, archive: Path) -> None:
        self.bound, self.left, self.files, self.archive = size, size, MAX_FILES, archive

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise DataError(f"archive {self.archive} unpacks to more than {self.bound} bytes: no dataset")

    def spend_file(self) -> None:
        self.files -= 1
        if self.files < 0:
            raise DataError(f"archive {self.archive} holds more than {MAX_FILES} files: no dataset")


class _Bounded:
    """A stream whose bytes are taken from a budget."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int) -> bytes:
        chunk = self.stream.read(size)
        self.budget.spend(len(chunk))
        return chunk


def _members(raw: IO[bytes], archive: Path, budget: _Budget) -> Iterator[tuple[str, Any]]:
    """Name and stream of the regular files of an archive in stored order; links and devices are refused."""
    if zipfile.is_zipfile(raw):
        with zipfile.ZipFile(raw) as zipped:
            for entry in zipped.infolist():
                if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise DataError(f"archive {archive} holds a link or device: {entry.filename}")
                if not entry.is_dir():
                    with zipped.open(entry) as content:
                        yield entry.filename, _Bounded(content, budget)
        return
    raw.seek(0)
    bounded: Any = _Bounded(_decompressed(raw), budget)
    with tarfile.open(fileobj=bounded, mode="r|") as tarred:
        for info in tarred:
            if not (info.isreg() or info.isdir()):
                raise DataError(f"archive {archive} holds a link or device: {info.name}")
            if info.isreg():
                yield info.name, tarred.extractfile(info)


def _decompressed(raw: IO[bytes]) -> Any:
    beginning = raw.read(6)
    raw.seek(0)
    return next((opener(raw) for magic, opener in OPENERS.items() if beginning.startswith(magic)), raw)


def _inside(name: str, archive: Path) -> Path:
    """The relative path `name`, refused when it could lead out of the folder on any system."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or not path.parts:
        raise DataError(f"archive {archive} holds a file that would land outside its folder: {name!r}")
    return Path(*path.parts)
