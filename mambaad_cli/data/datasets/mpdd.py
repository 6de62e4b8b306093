"""MPDD: metal parts, in the MVTec layout.

The authors' own folder asks for a login: mirrors are the sources. Copies that lack categories go around:
the counts show it.
"""

from __future__ import annotations

from pathlib import Path

from mambaad_cli.data.info import Archive, Counts, DatasetInfo, Report, Sample, Source
from mambaad_cli.data.layout import holds_category, read_categories

COUNTS = {
    "bracket_black": Counts(289, 32, 47),
    "bracket_brown": Counts(185, 26, 51),
    "bracket_white": Counts(110, 30, 30),
    "connector": Counts(128, 30, 14),
    "metal_plate": Counts(54, 26, 71),
    "tubes": Counts(122, 32, 69),
}


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the MPDD folder `root`; categories that are not there are left out."""
    return read_categories(root, COUNTS, report)


def holds(root: Path) -> bool:
    """True when `root` has a folder of MPDD."""
    return holds_category(root, COUNTS)


INFO = DatasetInfo(
    key="mpdd",
    title="MPDD (Metal Parts Defect Detection)",
    categories=tuple(COUNTS),
    licence="CC BY-NC-SA 4.0",
    homepage="https://github.com/stepanje/MPDD",
    citation=(
        "S. Jezek, M. Jonak, R. Burget, P. Dvorak, M. Skotak: Deep learning-based defect detection of metal "
        "parts: evaluating current methods in complex conditions. ICUMT 2021."
    ),
    access="open mirror",
    samples=samples,
    holds=holds,
    archives=(
        Archive(
            "MPDD.zip",
            (
                Source(
                    "hub",
                    "meksamiao/mpdd/MPDD.zip",
                    "69f8da73eea4a31451a50251e5c261e83e0c53f2d1a39a7d4dfc78b5c434ddd6",
                    1_825_041_283,
                ),
                Source(
                    "hub",
                    "sehbeygi79/Anomaly-Detection-Datasets/mpdd.zip",
                    "a5ad049386258bc003a6b956ebaab0c391a173a2047e4711616d136804f3a915",
                    1_772_068_505,
                ),
            ),
        ),
    ),
    counts=COUNTS,
    companions=("license.txt", "LICENSE*", "README*", "readme.txt"),
)
