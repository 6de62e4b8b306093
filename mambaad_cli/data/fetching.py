"""Getting a dataset onto this computer: from the network, from a folder or archive, or drawn on the spot."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mambaad_cli import env
from mambaad_cli.data import receipt as receipts
from mambaad_cli.data import sources, space
from mambaad_cli.data.importing import import_dataset, unpack_into
from mambaad_cli.data.index import build_index
from mambaad_cli.data.info import Archive, DatasetInfo, Progress, silent
from mambaad_cli.data.registry import find
from mambaad_cli.data.state import is_complete
from mambaad_cli.errors import DataError, Interrupted


def fetch(
    name: str | DatasetInfo,
    data_root: Path,
    *,
    source: Path | None = None,
    link: bool = False,
    force: bool = False,
    mirror: str | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Get a dataset into its folder under `data_root` and index it; instant when it is complete already.

    Interrupted at any moment, by Ctrl-C, a crash or a cut connection, the same call goes on where it stopped.

    Args:
        name: a name of the registry, or the result of `choose`.
        data_root: folder that holds the datasets.
        source: folder or archive that is on this computer already; None = the dataset's own sources.
        link: index the folder `source` where it is.
        force: get everything again, whatever is there.
        mirror: address of a mirror to ask first; None = that of MAMBAAD_MIRROR, if any.
        progress: shows how far each stage is.

    Returns:
        The receipt.

    Raises:
        UsageError: unknown dataset, or options that do not fit together.
        DataError: wrong or broken data, or no room.
        NetworkError: no source gives the dataset.
        Interrupted: Ctrl-C.
    """
    info = find(name) if isinstance(name, str) else name
    home = data_root / info.key
    if source is not None and not source.exists():
        raise DataError(f"there is nothing at {source}", "--from takes a folder or an archive")
    with _whole(info, home, source, progress):
        if force:
            receipts.forget(home)
        if source is not None:
            import_dataset(info, source, home, link=link, force=force, progress=progress)
        elif info.make is not None and not is_complete(info, data_root):
            info.make(home)
            build_index(info, home, [receipts.origin("drawn by mambaad")], progress=progress)
        elif not is_complete(info, data_root):
            _download(info, home, mirror or env.MIRROR.get(), progress)
        if is_complete(info, data_root):
            shutil.rmtree(home / receipts.FOLDER / "downloads", ignore_errors=True)
        return receipts.read(home) or {}


def _download(info: DatasetInfo, home: Path, mirror: str, progress: Progress) -> None:
    """Download and unpack every archive that is not in place yet, then index.

    A mark per archive remembers that its content is in place; the archive itself is not kept.
    """
    origins = []
    for archive in info.archives:
        mark = receipts.mark(home, archive.name)
        if not mark.exists():
            gotten = _place(info, archive, home, mirror, progress)
            size = gotten.path.stat().st_size
            receipts.write_json(mark, receipts.origin(str(gotten.source), gotten.sha256, size))
            gotten.path.unlink()
        origins.append(receipts.read_json(mark) or {})
    build_index(info, home, origins, progress=progress)


def _place(
    info: DatasetInfo, archive: Archive, home: Path, mirror: str, progress: Progress
) -> sources.Gotten:
    """Download one archive and bring its content into `home`."""
    folder = home / receipts.FOLDER / "downloads"
    there = sum(file.stat().st_size for file in folder.glob("*"))
    needed = (archive.size or 0) * (1 + archive.growth) - there
    space.check(home, needed, f"{archive.name} and its content")
    gotten = sources.get(info, archive, folder, mirror, progress)
    space.check(home, space.unpacked_size(gotten.path), f"the content of {archive.name}")
    try:
        unpack_into(info, gotten.path, home, progress)
    except DataError:
        if gotten.source.sha256 is None:
            gotten.path.unlink()  # without a published hash the download itself may be what is broken
        raise
    return gotten


@contextmanager
def _whole(info: DatasetInfo, home: Path, source: Path | None, progress: Progress) -> Iterator[None]:
    """One fetch of a dataset at a time; Ctrl-C and a failing disk become errors that say how to go on."""
    again = f"mambaad fetch {info.key}" + (f" --from {source}" if source else "")
    try:
        (home / receipts.FOLDER).mkdir(parents=True, exist_ok=True)
        with _alone(home / receipts.FOLDER / "lock", f"waiting for another fetch of {info.key}", progress):
            yield
    except KeyboardInterrupt as error:
        raise Interrupted("stopped", f"go on where it stopped: {again}") from error
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise DataError(
            f"cannot bring {info.title} to {home.resolve()}: {error.strerror or error}{where}",
            f"make room or choose another folder (--data-dir PATH), then go on where it stopped: {again}",
        ) from error


@contextmanager
def _alone(file: Path, waiting: str, progress: Progress) -> Iterator[None]:
    """Hold the lock `file`, which the system frees when the process ends, however it ends."""
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with progress(waiting, 0):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
