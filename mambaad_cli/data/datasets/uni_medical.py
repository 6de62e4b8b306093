"""Uni-Medical: brain MRI, liver CT and retinal OCT, as the ViTAD and ADer authors chose them from BMAD.

    {brain, liver or retinal}/train/good/*.png
    {brain, liver or retinal}/test/{good or Ungood}/*.png
    {brain, liver or retinal}/ground_truth/Ungood/*.png

BMAD's own layout, in which pictures may be in a folder img, and masks are beside them:

    {folder}/train/good/*.png                    or train/good/img/*.png
    {folder}/test/{good, Ungood or ungood}/img/*.png
    {folder}/test/Ungood/{anomaly_mask or label}/*.png

BMAD's third split (valid or val) is no part of Uni-Medical. Its sources BraTS2021, BTCV + LiTS and RESC have
terms of their own.
"""

from __future__ import annotations

from pathlib import Path

from mambaad_cli.data import ader
from mambaad_cli.data.info import Archive, Counts, DatasetInfo, Report, Sample, Source
from mambaad_cli.data.layout import anomalies, normals, short, subfolders

COUNTS = {
    "brain": Counts(7500, 640, 3075),
    "liver": Counts(1542, 833, 660),
    "retinal": Counts(4297, 1041, 764),
}

FOLDERS = {
    "brain": ("brain", "Brain", "Brain_AD/BraTS2021_slice", "Brain_AD"),
    "liver": ("liver", "Liver", "Liver_AD/hist_DIY", "Liver_AD"),
    "retinal": ("retinal", "Retina_RESC", "Retina_RESC_AD/RESC", "Retina_RESC_AD", "RetinaRESC_AD"),
}
"""Where a category is found: in Uni-Medical, and in the several forms of BMAD."""


def samples(root: Path, report: Report) -> list[Sample]:
    """The table of samples of the folder `root`; categories that are not there are left out."""
    homes = {category: home for category in COUNTS if (home := _home(root, category)) is not None}
    if not homes:
        return ader.samples(root, report)
    return [
        sample for category, home in homes.items() for sample in _read_category(root, category, home, report)
    ]


def holds(root: Path) -> bool:
    """True when `root` has a folder of Uni-Medical or BMAD, or a meta.json of them."""
    return any(_home(root, category) for category in COUNTS) or bool({*COUNTS} & {*ader.categories(root)})


def _home(root: Path, category: str) -> Path | None:
    homes = (root / folder for folder in FOLDERS[category])
    return next((home for home in homes if (home / "train" / "good").is_dir()), None)


def _read_category(root: Path, category: str, home: Path, report: Report) -> list[Sample]:
    samples = normals(root, category, _pictures_in(home / "train" / "good"), "train", report)
    test = normals(root, category, _pictures_in(home / "test" / "good"), "test", report)
    for folder in subfolders(home / "test"):
        if folder.name != "good":
            masks = _first((home / "ground_truth" / folder.name, folder / "anomaly_mask", folder / "label"))
            test += anomalies(root, category, folder.name, _pictures_in(folder), masks, report)
    if not test:
        report(f"category {category!r} has no pictures in {short(home / 'test', root)}")
    return samples + test


def _pictures_in(folder: Path) -> Path:
    return folder / "img" if (folder / "img").is_dir() else folder


def _first(folders: tuple[Path, ...]) -> Path:
    """The first of `folders` that is there, else the first."""
    return next((folder for folder in folders if folder.is_dir()), folders[0])


INFO = DatasetInfo(
    key="uni_medical",
    title="Uni-Medical (brain MRI, liver CT, retinal OCT)",
    categories=tuple(COUNTS),
    licence="CC BY-NC-SA 4.0",
    homepage="https://zhangzjn.github.io/projects/ViTAD",
    citation=(
        "J. Bao, H. Sun, H. Deng, Y. He, Z. Zhang, X. Li: BMAD: Benchmarks for Medical Anomaly Detection. "
        "2023, arXiv 2306.11876. J. Zhang et al.: Exploring Plain ViT Reconstruction for Multi-class "
        "Unsupervised Anomaly Detection. 2023, arXiv 2312.07495."
    ),
    access="open download",
    samples=samples,
    holds=holds,
    archives=(
        Archive(
            "uni_medical.zip",
            (
                Source("drive", "1Q33X6UMS_2rfdOlHq-Levf7Df7z3tUKp"),
                Source(
                    "hub",
                    "code-dev05/BMAD/bmad.zip",
                    "df655def31f3f638a91c567550de54d6e45a74b2368f666c13a6a3052c063165",
                ),
            ),
        ),
    ),
    counts=COUNTS,
    companions=("meta.json",),
)
