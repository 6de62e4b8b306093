"""BTAD: three industrial products called 01, 02 and 03.

    BTech_Dataset_transformed/{category}/train/ok/0000.bmp
    BTech_Dataset_transformed/{category}/test/{ok or ko}/0000.png
    BTech_Dataset_transformed/{category}/ground_truth/ko/0000.png

Pictures and masks are .bmp or .png, differently in each category, and some programs convert all to .png: only
the stem counts. The same stem is found in test/ok and test/ko: masks belong to the pictures in ko alone.
The authors say CC BY-SA, others CC BY-NC-SA 4.0: take it as non-commercial.
"""

from __future__ import annotations

from pathlib import Path

from mambaad_cli.data.info import Archive, Counts, DatasetInfo, Report, Sample, Source
from mambaad_cli.data.layout import holds_category, read_categories

COUNTS = {"01": Counts(400, 21, 49), "02": Counts(399, 30, 200), "03": Counts(1000, 400, 41)}


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the BTAD folder `root`; categories that are not there are left out."""
    return read_categories(root, COUNTS, report, normal="ok")


def holds(root: Path) -> bool:
    """True when `root` has a folder of BTAD."""
    return holds_category(root, COUNTS, "train/ok")


INFO = DatasetInfo(
    key="btad",
    title="BTAD (beanTech Anomaly Detection)",
    categories=tuple(COUNTS),
    licence="CC BY-SA or CC BY-NC-SA",
    homepage="https://github.com/pankajmishra000/VT-ADL",
    citation=(
        "P. Mishra, R. Verk, D. Fornasier, C. Piciarelli, G. L. Foresti: VT-ADL: A Vision Transformer "
        "Network for Image Anomaly Detection and Localization. ISIE 2021."
    ),
    access="open download",
    samples=samples,
    holds=holds,
    archives=(
        Archive(
            "btad.zip",
            (
                Source(
                    "http",
                    "https://avires.dimi.uniud.it/papers/btad/btad.zip",
                    "461c9387e515bfed41ecaae07c50cf6b10def647b36c9e31d239ab2736b10d2a",
                    1_229_193_337,
                ),
            ),
            growth=6,  # uncompressed bitmaps
        ),
    ),
    counts=COUNTS,
)
