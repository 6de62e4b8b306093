"""Reading a folder as a dataset: its samples, and every problem that it has."""

from __future__ import annotations

from collections.abc import Sequence
from csv import Error as CsvError
from pathlib import Path, PurePosixPath

from mambaad_cli.data.info import DatasetInfo, Sample
from mambaad_cli.data.layout import subfolders
from mambaad_cli.errors import DataError

DEPTH = 3
"""How many folders deep below the given one the root of a dataset is looked for."""


def survey(info: DatasetInfo, root: Path) -> tuple[list[Sample], list[str]]:
    """The samples of the folder `root`, and the problems that kept others from being among them."""
    problems: list[str] = []
    try:
        samples = info.samples(root, problems.append)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, CsvError) as error:
        return [], [*problems, f"a table in {root} cannot be read: {error!r}"]
    outside = [
        path for sample in samples for path in (sample.image, sample.mask) if path and not _inside(path)
    ]
    return samples, problems + [f"{path} leads out of the folder" for path in outside]


def read_samples(info: DatasetInfo, root: Path) -> list[Sample]:
    """The samples of the folder `root`; one `DataError` with all problems when it is not in order."""
    samples, problems = survey(info, root)
    if problems:
        raise not_in_order(info.title, root, problems)
    if not samples:
        raise DataError(
            f"no category of {info.title} in {root}", f"its categories: {', '.join(info.categories)}"
        )
    return samples


def not_in_order(title: str, root: Path, problems: Sequence[str], shown: int = 10) -> DataError:
    """The error of a folder with `problems`: the first `shown` of them, and how to see the rest."""
    more = [f"... and {len(problems) - shown} more"] if len(problems) > shown else []
    lines = "\n".join(f"  {line}" for line in [*problems[:shown], *more])
    return DataError(
        f"{title} in {root} is not in order:\n{lines}", f"see all problems: mambaad fetch --check {root}"
    )


def find_root(info: DatasetInfo, folder: Path) -> Path:
    """The root of the dataset in `folder`: itself or the nearest folder below; `DataError` without one."""
    root = holds_below(info, folder)
    if root is None:
        raise DataError(
            f"no category of {info.title} in {folder} or {DEPTH} folders below",
            f"its categories: {', '.join(info.categories)}",
        )
    return root


def holds_below(info: DatasetInfo, folder: Path) -> Path | None:
    """The nearest folder at or below `folder` that is a root of the dataset, None when there is none."""
    level = [folder]
    for _ in range(DEPTH + 1):
        for candidate in level:
            if info.holds(candidate):
                return candidate
        level = [child for parent in level for child in subfolders(parent)]
    return None


def files_of(info: DatasetInfo, root: Path, samples: Sequence[Sample]) -> list[Path]:
    """Every file of the dataset, relative to `root`: pictures, masks and what belongs to them."""
    named = (Path(path) for sample in samples for path in (sample.image, sample.mask) if path)
    beside = (
        path.relative_to(root)
        for pattern in info.companions
        for path in sorted(root.glob(pattern))
        if path.is_file()
    )
    return list(dict.fromkeys([*named, *beside]))


def _inside(path: str) -> bool:
    pure = PurePosixPath(path.replace("\\", "/"))
    return not pure.is_absolute() and ".." not in pure.parts and ":" not in path
