"""MVTec AD: 15 categories of objects and textures.

    {category}/train/good/000.png
    {category}/test/{good or defect}/000.png
    {category}/ground_truth/{defect}/000_mask.png

The folders are the split. Grid, screw and zipper are grey pictures.
"""

from __future__ import annotations

from pathlib import Path

from mambaad_cli.data.info import Archive, Counts, DatasetInfo, Report, Sample, Source
from mambaad_cli.data.layout import holds_category, read_categories

COUNTS = {
    "bottle": Counts(209, 20, 63),
    "cable": Counts(224, 58, 92),
    "capsule": Counts(219, 23, 109),
    "carpet": Counts(280, 28, 89),
    "grid": Counts(264, 21, 57),
    "hazelnut": Counts(391, 40, 70),
    "leather": Counts(245, 32, 92),
    "metal_nut": Counts(220, 22, 93),
    "pill": Counts(267, 26, 141),
    "screw": Counts(320, 41, 119),
    "tile": Counts(230, 33, 84),
    "toothbrush": Counts(60, 12, 30),
    "transistor": Counts(213, 60, 40),
    "wood": Counts(247, 19, 60),
    "zipper": Counts(240, 32, 119),
}

SHA256 = "cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d"
SIZE = 5_264_982_680
SHARES = "https://www.mydrive.ch/shares"
ARCHIVE = "mvtec_anomaly_detection.tar.xz"


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the MVTec AD folder `root`; categories that are not there are left out."""
    return read_categories(root, COUNTS, report)


def holds(root: Path) -> bool:
    """True when `root` has a folder of MVTec AD."""
    return holds_category(root, COUNTS)


INFO = DatasetInfo(
    key="mvtec",
    title="MVTec AD",
    categories=tuple(COUNTS),
    licence="CC BY-NC-SA 4.0",
    homepage="https://www.mvtec.com/company/research/datasets/mvtec-ad",
    citation=(
        "P. Bergmann, K. Batzner, M. Fauser, D. Sattlegger, C. Steger: The MVTec Anomaly Detection Dataset: "
        "A Comprehensive Real-World Dataset for Unsupervised Anomaly Detection. IJCV 129, 2021."
    ),
    access="open download",
    samples=samples,
    holds=holds,
    archives=(
        Archive(
            ARCHIVE,
            (
                Source(
                    "http",
                    f"{SHARES}/150996/b52ecdcbf521176e9db9c731f2304b27/download/420938113-1629960298/{ARCHIVE}",
                    SHA256,
                    SIZE,
                ),
                Source(
                    "http",
                    f"{SHARES}/38536/3830184030e49fe74747669442f0f282/download/420938113-1629952094/{ARCHIVE}",
                    SHA256,
                    SIZE,
                ),
                Source("hub", f"ProgrammerGnome/MVTecAD/{ARCHIVE}", SHA256, SIZE),
                Source("hub", f"micguida1/mvtech_anomaly_detection/{ARCHIVE}", SHA256, SIZE),
            ),
        ),
    ),
    counts=COUNTS,
    companions=("license.txt", "readme.txt", "*/license.txt", "*/readme.txt"),
)
