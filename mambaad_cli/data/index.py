"""The table of samples of a dataset on disk: building it, saving it, opening it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mambaad_cli.data import manifest
from mambaad_cli.data import receipt as receipts
from mambaad_cli.data.datasets import folder
from mambaad_cli.data.info import DatasetInfo, Progress, Sample, silent
from mambaad_cli.data.registry import find
from mambaad_cli.data.survey import files_of, read_samples
from mambaad_cli.errors import DataError, UsageError, did_you_mean

if TYPE_CHECKING:
    import datasets

FOLDER_PREFIX = "folder:"


@dataclass(frozen=True)
class Index:
    """An opened dataset: its table of samples and where the pictures are."""

    name: str
    title: str
    root: Path
    """The folder that the paths of the table are relative to."""
    table: datasets.Dataset
    """Columns: those of `Sample`."""
    receipt: dict[str, Any]

    @property
    def categories(self) -> list[str]:
        """The categories of the table, in its order."""
        return list(dict.fromkeys(self.table["category"]))

    def samples(self, split: str) -> list[Sample]:
        """The samples of `split` ("train" or "test"), in the order of the table."""
        columns = self.table.to_dict()
        rows = zip(*(columns[column.name] for column in fields(Sample)), strict=True)
        return [sample for sample in (Sample(*row) for row in rows) if sample.split == split]


def open_dataset(name: str, data_root: Path, categories: Sequence[str] | None = None) -> Index:
    """Open a dataset that is on disk.

    Args:
        name: a name of the registry, or "folder:PATH" for any folder of pictures.
        data_root: folder that holds the datasets.
        categories: those to keep; None = all that are there.

    Raises:
        UsageError: unknown dataset or category.
        DataError: the dataset or a category of it is not there, or the folder is not in order.
    """
    index = _open_folder(_folder_of(name)) if name.startswith(FOLDER_PREFIX) else _open(name, data_root)
    return index if categories is None else _select(index, categories)


def pictures_root(name: str, data_root: Path) -> Path:
    """The folder that the paths of a dataset's table are relative to, found without reading the table.

    Raises:
        UsageError: unknown dataset.
        DataError: the dataset is not there.
    """
    if name.startswith(FOLDER_PREFIX):
        return _folder_of(name)
    home = data_root / find(name).key
    root = Path(_receipt(name, data_root)["linked"] or home)
    if not root.is_dir():
        raise DataError(
            f"the pictures of {name} were in {root}, which is not there any more",
            f"put the folder back, or say where it is: mambaad fetch {name} --from PATH",
        )
    return root


def build_index(
    info: DatasetInfo,
    root: Path,
    origins: list[dict[str, Any]],
    *,
    home: Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Read the folder `root` of a dataset, check it, save its table, the hashes of its files, its receipt.

    Args:
        info: the dataset.
        root: folder of the pictures.
        origins: where they came from; the receipt lists them after those of earlier parts.
        home: folder that takes all that when the pictures in `root` stay elsewhere; None = `root`.
        progress: shows the hashing.

    Returns:
        The receipt. It is written last: a dataset without one is not complete.

    Raises:
        DataError: the folder is not this dataset, or pictures and masks do not match; names every file.
    """
    samples = read_samples(info, root)
    linked = root if home else None
    home = home or root
    place = home / receipts.FOLDER
    before = receipts.read(home) or {"origins": []}
    origins = [*before["origins"], *(origin for origin in origins if origin not in before["origins"])]
    receipts.remove(home)
    place.mkdir(parents=True, exist_ok=True)
    manifest.write(place, root, files_of(info, root, samples), progress)
    shutil.rmtree(place / "index", ignore_errors=True)
    with _quiet():
        to_table(samples).save_to_disk(str(place / "index"))
    receipt = receipts.compose(info, home, samples, origins, linked)
    receipts.write(home, receipt)
    return receipt


def to_table(samples: Sequence[Sample]) -> datasets.Dataset:
    """The samples as a table with one column per field."""
    import datasets

    kinds = {"label": "int64"}
    columns = [column.name for column in fields(Sample)]
    features = datasets.Features({name: datasets.Value(kinds.get(name, "string")) for name in columns})
    rows = [asdict(sample) for sample in samples]
    return datasets.Dataset.from_dict(
        {name: [row[name] for row in rows] for name in columns}, features=features
    )


def _open(name: str, data_root: Path) -> Index:
    import datasets

    info = find(name)
    home = data_root / info.key
    receipt = _receipt(name, data_root)
    try:
        table = datasets.load_from_disk(str(home / receipts.FOLDER / "index"), keep_in_memory=True)
    except (OSError, ValueError) as error:
        raise DataError(
            f"the index of {info.title} in {home} cannot be read: {error}",
            f"build it again: mambaad fetch {info.key} --from {home}",
        ) from error
    return Index(info.key, info.title, Path(receipt["linked"] or home), table, receipt)


def _receipt(name: str, data_root: Path) -> dict[str, Any]:
    info = find(name)
    home = data_root / info.key
    receipt = receipts.read(home)
    if receipt is None:
        raise DataError(
            f"{info.title} is not in {home.resolve()}",
            f"get it:               mambaad fetch {info.key}\n"
            "or point to yours:    --data-dir PATH  (or MAMBAAD_DATA=PATH)",
        )
    return receipt


def _folder_of(name: str) -> Path:
    """The folder in "folder:PATH"."""
    path = Path(name[len(FOLDER_PREFIX) :])
    if not path.is_dir():
        raise DataError(f"there is no folder {path}", "folder:PATH takes a folder of pictures")
    return path


def _open_folder(path: Path) -> Index:
    """Any folder of pictures. Read anew each time: nothing is written there, nothing is out of date."""
    info = folder.info_of(path)
    samples = read_samples(info, path)
    receipt = receipts.compose(info, path, samples, [receipts.origin(str(path.resolve()))], path)
    return Index(f"{FOLDER_PREFIX}{path}", info.title, path, to_table(samples), receipt)


def _select(index: Index, categories: Sequence[str]) -> Index:
    here = index.categories
    known = list(dict.fromkeys([*here, *index.receipt["missing"]]))
    for category in categories:
        if category not in known:
            raise UsageError(
                f"{index.title} has no category {category!r}{did_you_mean(category, known)}",
                f"categories: {', '.join(known)}",
            )
        if category not in here:
            raise DataError(
                f"category {category!r} of {index.title} is not in {index.root}: only {', '.join(here)}",
                f"add it from a folder or archive: mambaad fetch {index.name} --from PATH",
            )
    wanted = set(categories)
    rows = [row for row, category in enumerate(index.table["category"]) if category in wanted]
    return Index(index.name, index.title, index.root, index.table.select(rows), index.receipt)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars of the datasets library: this program shows its own."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
