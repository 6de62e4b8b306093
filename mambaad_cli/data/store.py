"""Pictures decoded and resized once, kept in a memory-mapped file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mambaad_cli import env
from mambaad_cli.data.images import read_image
from mambaad_cli.data.info import Progress, Sample, silent
from mambaad_cli.data.parallel import in_threads
from mambaad_cli.errors import DataError


@dataclass(frozen=True)
class ImageStore:
    """Resized pictures of a list of samples, in their order: `store[indices]` reads some."""

    pixels: NDArray[np.uint8]
    """(N, size, size, 3) RGB, memory-mapped from the cache folder."""

    @classmethod
    def open(
        cls, root: Path, samples: Sequence[Sample], size: int, progress: Progress = silent
    ) -> ImageStore:
        """The store of `samples`, made when it is not in the cache yet.

        Args:
            root: root of the dataset; the samples' paths are relative to it.
            samples: what to read; N of them.
            size: sides of the resized pictures in pixels.
            progress: shows how many of the N pictures are done while the store is made.

        Raises:
            DataError: a picture is missing or broken, or there is no room for the store.
        """
        paths = [root / sample.image for sample in samples]
        folder = env.cache_root() / "pictures"
        file = folder / f"{_identity(paths, size)}.npy"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                _make(file, paths, size, progress)
        return cls(np.load(file, mmap_mode="r"))

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, indices: int | slice | Sequence[int] | NDArray[np.integer]) -> NDArray[np.uint8]:
        return np.array(self.pixels[indices])


def _identity(paths: Sequence[Path], size: int) -> str:
    """A name for these files as they are now (path, bytes, time of change), resized to `size`."""
    entries: list[object] = [size]
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(
                f"picture {path} is not there any more", "put it back, or fetch the dataset again"
            ) from error
        entries.append((str(path.resolve()), status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:24]


def _make(file: Path, paths: Sequence[Path], size: int, progress: Progress) -> None:
    """Write the store to `file`, which appears only when it is complete."""
    part = file.with_suffix(".part")
    try:
        _decode(part, paths, size, progress)
        part.replace(file)
    except OSError as error:
        raise DataError(
            f"cannot write the resized pictures to {file.parent}: {error.strerror}",
            "make room, or choose another folder: MAMBAAD_CACHE=PATH",
        ) from error


def _decode(part: Path, paths: Sequence[Path], size: int, progress: Progress) -> None:
    pixels = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=(len(paths), size, size, 3))

    def read(index: int) -> None:
        pixels[index] = read_image(paths[index], size)

    in_threads(read, range(len(paths)), "reading pictures", progress)
    pixels.flush()
