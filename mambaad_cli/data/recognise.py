"""Which known dataset a folder or an archive is: by hash or by what is in it, never by name."""

from __future__ import annotations

from pathlib import Path

from mambaad_cli.data.info import DatasetInfo
from mambaad_cli.data.registry import DATASETS
from mambaad_cli.data.survey import holds_below


def recognise(path: Path) -> DatasetInfo | None:
    """The dataset at `path`, a folder or a file; None when it is none of those known.

    An archive is recognised when it has the published hash.
    """
    if path.is_dir():
        return next((info for info in DATASETS.values() if holds_below(info, path)), None)
    return _by_hash(path) if path.is_file() else None


def _by_hash(path: Path) -> DatasetInfo | None:
    from mambaad_cli.data.manifest import sha256_of

    sha256 = sha256_of(path)
    return next(
        (
            info
            for info in DATASETS.values()
            for archive in info.archives
            for source in archive.sources
            if source.sha256 == sha256
        ),
        None,
    )
