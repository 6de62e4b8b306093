"""The words of this room: sample, counts, source, archive, and the facts of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

MB = 10**6

Advance = Callable[[int, str], None]
"""`advance(steps, note)`: this many steps of the work are done."""

Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""`with progress(description, total) as advance:` shows how far a piece of work is. `console.task` is one."""

Report = Callable[[str], None]
"""Takes one problem of a dataset, in words that name the file."""


@dataclass(frozen=True)
class Sample:
    """One picture of a dataset. Paths are relative to the dataset's root, with "/" on every system."""

    image: str
    mask: str | None
    """None for a normal picture, or where nobody drew one."""
    category: str
    defect: str
    """Type of the defect, "good" for a normal picture."""
    label: int
    """1 = anomalous, 0 = normal."""
    split: Literal["train", "test"]
    view: str = ""
    """Camera of a dataset with several views of one object, else ""."""
    item: str = ""
    """The photographed object of a dataset with several views of it, unique in its category, else ""."""


@dataclass(frozen=True)
class Counts:
    """Number of pictures of one category."""

    train: int
    test_normal: int
    test_anomalous: int

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Counts:
        """Count `samples`, which belong to one category."""
        keys = [(sample.split, sample.label) for sample in samples]
        return cls(keys.count(("train", 0)), keys.count(("test", 0)), keys.count(("test", 1)))


@dataclass(frozen=True)
class Source:
    """One place that an archive comes from. The address may change; the sha256 identifies the bytes."""

    kind: Literal["http", "hub", "drive"]
    address: str
    """A URL ("http"), "owner/repository/file" of a Hugging Face dataset ("hub"), a file id ("drive")."""
    sha256: str | None = None
    size: int | None = None
    """Bytes."""

    def __str__(self) -> str:
        place = {"http": "", "hub": "Hugging Face ", "drive": "Google Drive "}[self.kind]
        return place + self.address


@dataclass(frozen=True)
class Archive:
    """One file that a dataset is downloaded as."""

    name: str
    """File name, also the name that a mirror serves it under."""
    sources: tuple[Source, ...]
    """The official place first."""
    growth: float = 1.1
    """Bytes of its content per byte of archive, roughly, for the check of free space."""

    @property
    def size(self) -> int | None:
        """Bytes at the first source, None when unknown."""
        return self.sources[0].size


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset, and how its folder is read."""

    key: str
    title: str
    categories: tuple[str, ...]
    licence: str
    homepage: str
    citation: str
    access: str
    """How one gets it, in a few words."""
    samples: Callable[[Path, Report], list[Sample]]
    """`samples(root, report)`: the table of samples of the folder `root`; problems go to `report`."""
    holds: Callable[[Path], bool]
    """True when a folder is the root of (a part of) this dataset, judged by what is in it."""
    archives: tuple[Archive, ...] = ()
    counts: dict[str, Counts] = field(default_factory=dict)
    """The published number of pictures per category; empty when nobody published it."""
    pictures_in: str = ""
    """Folder of the dataset that an archive's bare category folders belong in."""
    companions: tuple[str, ...] = ()
    """Glob patterns of files that belong to the dataset beside pictures and masks."""
    make: Callable[[Path], None] | None = None
    """Draws the dataset into a folder, for one that is not downloaded."""
    choose: Callable[[str, tuple[str, ...]], DatasetInfo] | None = None
    """`choose(resolution, views)`: the dataset at another resolution or with some views only."""
    choice: str = ""
    """What was chosen, "" for a dataset without a choice."""

    @property
    def size(self) -> int | None:
        """Bytes to download, None when unknown."""
        sizes = [archive.size for archive in self.archives]
        return sum(size or 0 for size in sizes) if sizes and None not in sizes else None


def silent(description: str, total: int) -> AbstractContextManager[Advance]:
    """The `Progress` that shows nothing."""
    return nullcontext(lambda steps, note: None)


def megabytes(advance: Advance) -> Callable[[int], None]:
    """Turn `advance`, which counts whole MB, into a function that is told how many bytes are done in all."""
    shown = 0

    def reach(done: int) -> None:
        nonlocal shown
        if done // MB > shown:
            advance(done // MB - shown, "MB")
            shown = done // MB

    return reach
