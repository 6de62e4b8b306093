"""Taking in folders and archives: what is downloaded, and what the user has already."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mambaad_cli.data import manifest, space
from mambaad_cli.data import receipt as receipts
from mambaad_cli.data.index import build_index
from mambaad_cli.data.info import DatasetInfo, Progress
from mambaad_cli.data.survey import files_of, find_root, holds_below, read_samples
from mambaad_cli.data.unpack import is_archive, unpack
from mambaad_cli.errors import DataError, UsageError


def import_dataset(
    info: DatasetInfo, source: Path, home: Path, *, link: bool, force: bool, progress: Progress
) -> None:
    """Bring the dataset at `source` into the folder `home` and index it.

    Args:
        info: which dataset it is.
        source: folder, archive, or folder of archives with all or some of its categories, under any name.
        home: the dataset's folder. Categories that are there already stay.
        link: leave the pictures of a folder where they are and index them there.
        force: copy files again that look as if they were there already.
        progress: shows unpacking, copying and hashing.

    Raises:
        DataError: another dataset, not in order, no room, or a broken or hostile archive.
        UsageError: `link` with an archive.
    """
    archives = _archives_at(info, source)
    if archives and link:
        raise UsageError("--link takes a folder of pictures, not an archive", "leave out --link to unpack it")
    if archives:
        _unpack_all(info, archives, home, force, progress)
        return
    root = find_root(info, source)
    files = files_of(info, root, read_samples(info, root))
    if link:
        build_index(info, root, [_origin(source)], home=home, progress=progress)
        return
    new = [name for name in files if force or not _same(root / name, home / name)]
    space.check(home, sum((root / name).stat().st_size for name in new), f"the pictures of {root}")
    _copy(new, root, home, progress)
    build_index(info, home, [_origin(source)], progress=progress)


def _unpack_all(
    info: DatasetInfo, archives: Sequence[Path], home: Path, force: bool, progress: Progress
) -> None:
    """Unpack and index archives, unless the receipt says that all of them are in place."""
    origins = [_origin(archive) for archive in archives]
    receipt = receipts.read(home)
    if receipt and not force and receipt["choice"] == info.choice:
        hashes = {origin["sha256"] for origin in receipt["origins"]}
        if all(origin["sha256"] in hashes for origin in origins):
            return
    for archive in archives:
        space.check(home, space.unpacked_size(archive), f"the content of {archive.name}")
        unpack_into(info, archive, home, progress)
    build_index(info, home, origins, progress=progress)


def unpack_into(info: DatasetInfo, archive: Path, home: Path, progress: Progress) -> None:
    """Unpack an archive of the dataset into its folder `home`, without the folders around it in the archive.

    An interrupted call leaves nothing wrong behind: it is repeated from the start.
    """
    staging = home / receipts.FOLDER / "unpacked"
    try:
        unpack(archive, staging, progress)
        _settle(info, staging, home)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _settle(info: DatasetInfo, staging: Path, home: Path) -> None:
    root = find_root(info, staging)
    if len(info.archives) <= 1:
        read_samples(info, root)  # before anything is put beside what may be there already
    bare = any((root / category).is_dir() for category in info.categories)
    target = home / info.pictures_in if bare else home
    for file in [path for path in root.rglob("*") if path.is_file()]:
        place = target / file.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)


def _archives_at(info: DatasetInfo, source: Path) -> list[Path]:
    """The archives at `source`: itself, or those in a folder that does not hold the dataset unpacked."""
    if is_archive(source):
        return [source]
    if not source.is_dir():
        raise DataError(
            f"{source} is neither a folder nor a tar or zip archive", "unpack it and pass the folder"
        )
    if holds_below(info, source):
        return []
    return sorted(path for path in source.iterdir() if is_archive(path))


def _copy(files: Sequence[Path], root: Path, home: Path, progress: Progress) -> None:
    with progress("copying", len(files)) as advance:
        for name in files:
            target = home / name
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            shutil.copy2(root / name, part)
            part.replace(target)
            advance(1, "")


def _same(one: Path, other: Path) -> bool:
    """True when `other` looks like a copy of `one`, by size and time of change."""
    if not other.exists():
        return False
    a, b = one.stat(), other.stat()
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def _origin(source: Path) -> dict[str, Any]:
    place = str(source.resolve())
    if source.is_dir():
        return receipts.origin(place)
    return receipts.origin(place, manifest.sha256_of(source), source.stat().st_size)
