"""The hashes of a dataset's files, one "<sha256>  <path>" per line, as `sha256sum --check` reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mambaad_cli.data.info import Progress, silent
from mambaad_cli.data.parallel import in_threads

NAME = "files.sha256"


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(place: Path, root: Path, names: Sequence[Path], progress: Progress = silent) -> None:
    """Hash the files `names`, relative to `root`, into the manifest in the folder `place`."""
    digests = in_threads(lambda name: sha256_of(root / name), names, "hashing files", progress)
    lines = [f"{digest}  {name.as_posix()}\n" for digest, name in zip(digests, names, strict=True)]
    (place / NAME).write_text("".join(lines), encoding="utf-8")


def problems(place: Path, root: Path, progress: Progress = silent) -> list[str]:
    """Every file of the manifest in `place` that is missing from `root` or has other bytes."""
    lines = (place / NAME).read_text(encoding="utf-8").splitlines()
    found = in_threads(lambda line: _problem(root, *line.split("  ", 1)), lines, "hashing files", progress)
    return [problem for problem in found if problem is not None]


def _problem(root: Path, digest: str, name: str) -> str | None:
    try:
        return None if sha256_of(root / name) == digest else f"{name} has changed since it was fetched"
    except OSError as error:
        return f"{name} cannot be read any more: {error.strerror}"
