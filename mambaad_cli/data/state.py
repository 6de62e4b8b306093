"""What is on this computer of the known datasets. Light: `mambaad fetch --list` needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mambaad_cli.data import receipt as receipts
from mambaad_cli.data.info import DatasetInfo
from mambaad_cli.data.registry import DATASETS, find
from mambaad_cli.errors import UsageError


@dataclass(frozen=True)
class State:
    """What is on this computer of a dataset."""

    info: DatasetInfo
    receipt: dict[str, Any] | None
    """None = not here, or not complete."""

    def __str__(self) -> str:
        if self.receipt is None:
            return "not here"
        here, total = len(self.receipt["counts"]), len(self.info.categories)
        return "ready" if here == total else f"{here} of {total}"


def states(data_root: Path) -> list[State]:
    """The state of every known dataset under `data_root`."""
    return [State(info, receipts.read(data_root / key)) for key, info in DATASETS.items()]


def choose(name: str, resolution: str = "", views: tuple[str, ...] = ()) -> DatasetInfo:
    """The dataset `name`, at a resolution and with some views only where it has several of them.

    Raises:
        UsageError: unknown dataset, or one without such a choice.
    """
    info = find(name)
    if info.choose is not None:
        return info.choose(resolution, views)
    if resolution or views:
        raise UsageError(
            f"{info.title} has one resolution and one view", "leave out --resolution and --views"
        )
    return info


def is_complete(info: DatasetInfo, data_root: Path) -> bool:
    """True when nothing of the dataset, as chosen, is left to get."""
    home = data_root / info.key
    receipt = receipts.read(home)
    if receipt is None or receipt["choice"] != info.choice:
        return False
    return not receipt["missing"] or all(
        receipts.mark(home, archive.name).exists() for archive in info.archives
    )


def needs_licence(info: DatasetInfo, data_root: Path) -> bool:
    """True when the dataset would be downloaded and the user has not accepted its licence yet."""
    home = data_root / info.key
    return (
        bool(info.archives) and receipts.licence_accepted(home) is None and not is_complete(info, data_root)
    )
