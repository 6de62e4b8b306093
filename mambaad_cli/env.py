"""Every environment variable that mambaad reads: its name, default and meaning."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Variable:
    """One environment variable."""

    name: str
    default: str
    doc: str

    def get(self) -> str:
        """The value in force: an empty variable counts as unset."""
        return os.environ.get(self.name) or self.default


DATA = Variable("MAMBAAD_DATA", "data", "folder that holds the datasets")
RUNS = Variable("MAMBAAD_RUNS", "runs", "folder that holds the training runs")
CACHE = Variable("MAMBAAD_CACHE", "", "folder for resized pictures (default: the user's cache folder)")
OFFLINE = Variable("MAMBAAD_OFFLINE", "0", "1: never touch the network")
MIRROR = Variable("MAMBAAD_MIRROR", "", "address of a mirror of the datasets, asked first")
SCAN_KERNEL = Variable("MAMBAAD_SCAN_KERNEL", "auto", "scan kernel: auto, mamba-ssm, triton, cpu, reference")

VARIABLES = (DATA, RUNS, CACHE, OFFLINE, MIRROR, SCAN_KERNEL)


def data_root() -> Path:
    """The folder that holds the datasets, one sub-folder each."""
    return Path(DATA.get())


def runs_root() -> Path:
    """The folder that holds the training runs."""
    return Path(RUNS.get())


def cache_root() -> Path:
    """The folder for what can be made again: resized pictures."""
    if folder := CACHE.get():
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("mambaad", appauthor=False)


def offline() -> bool:
    """True when the network must not be touched."""
    return OFFLINE.get().lower() in {"1", "true", "yes", "on"}
