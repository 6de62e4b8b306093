"""The sample set: real textures, artificial defects, made on the spot without a download.

Brick, grass and gravel are public-domain (CC0) photographs that ship with scikit-image. The set is written in
the MVTec layout, the same pixels every time.
"""

from __future__ import annotations

from pathlib import Path

from mambaad_cli.data.info import Counts, DatasetInfo, Report, Sample
from mambaad_cli.data.layout import holds_category, read_categories

CATEGORIES = ("brick", "grass", "gravel")


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the sample set in `root`."""
    return read_categories(root, CATEGORIES, report)


def holds(root: Path) -> bool:
    """True when `root` has a folder of the sample set."""
    return holds_category(root, CATEGORIES)


def make(root: Path) -> None:
    """Draw the sample set into the folder `root`."""
    from mambaad_cli.data.drawing import draw_sample_set

    draw_sample_set(root, CATEGORIES)


INFO = DatasetInfo(
    key="sample",
    title="Sample set (real textures, artificial defects)",
    categories=CATEGORIES,
    licence="CC0",
    homepage="https://scikit-image.org",
    citation="Textures from scikit-image, defects drawn by mambaad: a sample, not a benchmark.",
    access="made on this computer",
    samples=samples,
    holds=holds,
    counts=dict.fromkeys(CATEGORIES, Counts(28, 8, 16)),
    companions=("README.md",),
    make=make,
)
