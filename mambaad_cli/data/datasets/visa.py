"""VisA: 12 categories of boards, pieces and food.

As it comes from the archive, where only a table knows the split:

    split_csv/1cls.csv                       object,split,label,image,mask
    {category}/Data/Images/Normal/0836.JPG
    {category}/Data/Images/Anomaly/000.JPG
    {category}/Data/Masks/Anomaly/000.png    ids of defect classes, 0 = background

Re-ordered by the authors' script, as VisA_pytorch/1cls:

    {category}/train/good, {category}/test/good, {category}/test/bad, {category}/ground_truth/bad

With the archive's folders, a meta.json takes the place of a table that is not there.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

from mambaad_cli.data import ader
from mambaad_cli.data.info import Archive, Counts, DatasetInfo, Report, Sample, Source
from mambaad_cli.data.layout import by_stem, holds_category, pictures, read_categories, short

COUNTS = {
    "candle": Counts(900, 100, 100),
    "capsules": Counts(542, 60, 100),
    "cashew": Counts(450, 50, 100),
    "chewinggum": Counts(453, 50, 100),
    "fryum": Counts(450, 50, 100),
    "macaroni1": Counts(900, 100, 100),
    "macaroni2": Counts(900, 100, 100),
    "pcb1": Counts(904, 100, 100),
    "pcb2": Counts(901, 100, 100),
    "pcb3": Counts(905, 101, 100),
    "pcb4": Counts(904, 101, 100),
    "pipe_fryum": Counts(450, 50, 100),
}
TABLE = "split_csv/1cls.csv"
NATIVE = "Data/Images"


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the VisA folder `root`; categories that are not there are left out."""
    if not holds_category(root, COUNTS, NATIVE):
        return read_categories(root, COUNTS, report)
    if (root / TABLE).is_file():
        return _read_table(root, report)
    if (root / ader.FILE).is_file():
        return ader.samples(root, report)
    report(
        f"{TABLE} is missing, the table that says which pictures are for training; it is part of the archive"
    )
    return []


def holds(root: Path) -> bool:
    """True when `root` has a folder of VisA, as it comes or re-ordered."""
    return holds_category(root, COUNTS, NATIVE) or holds_category(root, COUNTS)


def _read_table(root: Path, report: Report) -> list[Sample]:
    here = {category: _Folder(root, category, report) for category in COUNTS if (root / category).is_dir()}
    with (root / TABLE).open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["object"] in here]
    found = [here[row["object"]].sample(row, report) for row in rows]
    for folder in here.values():
        folder.report_strays(report)
    return [sample for sample in found if sample is not None]


class _Folder:
    """The pictures and masks of one category, by stem: how the table spells file endings does not matter."""

    def __init__(self, root: Path, category: str, report: Report) -> None:
        self.root, self.category = root, category
        home = root / category / "Data"
        self.images = {
            label: by_stem(pictures(home / "Images" / folder), report, root)
            for label, folder in (("normal", "Normal"), ("anomaly", "Anomaly"))
        }
        self.masks = by_stem(pictures(home / "Masks" / "Anomaly"), report, root)

    def sample(self, row: dict[str, str], report: Report) -> Sample | None:
        """The sample of one row of the table; None, and a report, when a file of it is missing."""
        stem = Path(row["image"]).stem
        image = self.images[row["label"]].get(stem)
        if image is None:
            report(f"{row['image']} is in {TABLE} but not in the folder")
            return None
        split: Literal["train", "test"] = "train" if row["split"] == "train" else "test"
        if row["label"] == "normal":
            return Sample(short(image, self.root), None, self.category, "good", 0, split)
        if stem not in self.masks:
            report(f"no mask for the anomalous picture {short(image, self.root)}")
            return None
        return Sample(
            short(image, self.root), short(self.masks[stem], self.root), self.category, "bad", 1, split
        )

    def report_strays(self, report: Report) -> None:
        """Report masks that belong to no picture."""
        for stem in sorted(self.masks.keys() - self.images["anomaly"].keys()):
            report(f"no picture for the mask {short(self.masks[stem], self.root)}")


INFO = DatasetInfo(
    key="visa",
    title="VisA",
    categories=tuple(COUNTS),
    licence="CC BY 4.0",
    homepage="https://github.com/amazon-science/spot-diff",
    citation=(
        "Y. Zou, J. Jeong, L. Pemula, D. Zhang, O. Dabeer: SPot-the-Difference Self-Supervised Pre-training "
        "for Anomaly Detection and Segmentation. ECCV 2022."
    ),
    access="open download",
    samples=samples,
    holds=holds,
    archives=(
        Archive(
            "VisA_20220922.tar",
            (
                Source(
                    "http",
                    "https://amazon-visual-anomaly.s3.us-west-2.amazonaws.com/VisA_20220922.tar",
                    "2eb8690c803ab37de0324772964100169ec8ba1fa3f7e94291c9ca673f40f362",
                    1_929_840_640,
                ),
                Source("hub", "hdtech/visual_anomaly_dataset/visual_anomaly_(visa)_dataset.zip"),
                Source("hub", "jiang-cc/MMAD/VisA.zip"),
            ),
        ),
    ),
    counts=COUNTS,
    companions=("split_csv/*.csv", "meta.json", "*/image_anno.csv", "LICENSE*", "README*"),
)
