"""Each dataset in the layout of its archive and in the forms that people re-order it to."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data import registry
from mambaad_cli.data.info import Counts, DatasetInfo, Sample
from mambaad_cli.data.receipt import count
from mambaad_cli.data.state import choose
from mambaad_cli.data.survey import find_root, survey
from mambaad_cli.errors import UsageError

Native = Callable[[str], Path]

TINY = {
    "mvtec": {"bottle": Counts(3, 2, 2), "grid": Counts(3, 2, 2)},
    "visa": {"candle": Counts(3, 1, 2), "pcb1": Counts(3, 1, 2)},
    "mpdd": {"connector": Counts(3, 2, 2), "tubes": Counts(3, 2, 2)},
    "btad": {"01": Counts(3, 2, 2), "02": Counts(3, 2, 2), "03": Counts(3, 2, 2)},
    "real_iad": {"audiojack": Counts(10, 6, 4), "usb": Counts(10, 6, 4)},
    "uni_medical": {"brain": Counts(3, 2, 2), "liver": Counts(3, 2, 2), "retinal": Counts(3, 2, 2)},
}


def read(name: str, folder: Path) -> list[Sample]:
    """The samples of a folder that has no problem."""
    info = registry.find(name)
    samples, problems = survey(info, find_root(info, folder))
    assert problems == []
    return samples


def problems_of(name: str, folder: Path) -> list[str]:
    info = registry.find(name)
    return survey(info, find_root(info, folder))[1]


@pytest.mark.parametrize("name", TINY)
def test_native_layout(native: Native, name: str) -> None:
    folder = native(name)
    samples = read(name, folder)
    assert count(samples) == TINY[name]
    root = find_root(registry.find(name), folder)
    for sample in samples:
        assert (root / sample.image).is_file()
        assert sample.label == (sample.mask is not None) == (sample.defect != "good")
        assert sample.mask is None or (root / sample.mask).is_file()
        assert sample.split == "test" or sample.label == 0
        assert "\\" not in sample.image
    assert len({sample.image for sample in samples}) == len(samples)


@pytest.mark.parametrize("name", [name for name in registry.DATASETS if name != "sample"])
def test_the_facts_are_complete(name: str) -> None:
    info = registry.DATASETS[name]
    assert info.key == name
    assert info.archives
    assert all(archive.sources for archive in info.archives)
    assert all((info.title, info.licence, info.homepage.startswith("https://"), info.citation, info.access))
    assert name == "real_iad" or tuple(info.counts) == info.categories


@pytest.mark.parametrize(
    ("name", "train", "normal", "anomalous"),
    [
        ("mvtec", 3629, 467, 1258),
        ("visa", 8659, 962, 1200),
        ("mpdd", 888, 176, 282),
        ("btad", 1799, 451, 290),
        ("uni_medical", 13339, 2514, 4499),
    ],
)
def test_published_counts_add_up(name: str, train: int, normal: int, anomalous: int) -> None:
    counts = registry.DATASETS[name].counts.values()
    assert sum(c.train for c in counts) == train
    assert sum(c.test_normal for c in counts) == normal
    assert sum(c.test_anomalous for c in counts) == anomalous


def test_no_category_belongs_to_two_layouts(native: Native) -> None:
    for name in TINY:
        folder = native(name)
        found = [
            key
            for key, info in registry.DATASETS.items()
            if info.holds(find_root(registry.find(name), folder))
        ]
        assert found == [name]


class TestVisA:
    def test_the_table_decides_the_split(self, native: Native) -> None:
        samples = read("visa", native("visa"))
        normal = {s.image: s.split for s in samples if s.category == "candle" and not s.label}
        assert normal == {
            "candle/Data/Images/Normal/0000.JPG": "train",
            "candle/Data/Images/Normal/0001.JPG": "train",
            "candle/Data/Images/Normal/0002.JPG": "train",
            "candle/Data/Images/Normal/0003.JPG": "test",
        }

    def test_endings_in_lower_case(self, native: Native) -> None:
        folder = native("visa")
        for file in list(folder.rglob("*.JPG")):
            file.rename(file.with_suffix(".jpg"))
        assert count(read("visa", folder)) == TINY["visa"]

    def test_reordered(self, tree: Any) -> None:
        home = "VisA_pytorch/1cls/candle"
        tree.picture(f"{home}/train/good/0000.JPG", f"{home}/test/good/0001.JPG", f"{home}/test/bad/000.JPG")
        tree.mask(f"{home}/ground_truth/bad/000.png")
        samples = read("visa", tree.root)
        assert count(samples) == {"candle": Counts(1, 1, 1)}
        assert samples[-1].mask == "candle/ground_truth/bad/000.png"

    def test_without_the_table(self, native: Native) -> None:
        folder = native("visa")
        shutil.rmtree(folder / "split_csv")
        assert problems_of("visa", folder)[0].startswith("split_csv/1cls.csv is missing")

    def test_missing_files_are_named(self, native: Native) -> None:
        folder = native("visa")
        (folder / "candle/Data/Masks/Anomaly/000.png").unlink()
        (folder / "candle/Data/Images/Normal/0001.JPG").unlink()
        (folder / "pcb1/Data/Images/Anomaly/001.JPG").unlink()
        assert problems_of("visa", folder) == [
            "candle/Data/Images/Normal/0001.JPG is in split_csv/1cls.csv but not in the folder",
            "no mask for the anomalous picture candle/Data/Images/Anomaly/000.JPG",
            "pcb1/Data/Images/Anomaly/001.JPG is in split_csv/1cls.csv but not in the folder",
            "no picture for the mask pcb1/Data/Masks/Anomaly/001.png",
        ]

    def test_a_broken_table(self, native: Native) -> None:
        folder = native("visa")
        (folder / "split_csv/1cls.csv").write_text("nothing,of,use\n1,2,3\n")
        assert "cannot be read" in problems_of("visa", folder)[0]


class TestBTAD:
    def test_a_stem_in_ok_and_ko(self, native: Native) -> None:
        samples = read("btad", native("btad"))
        assert {s.image: s.mask for s in samples if s.category == "01" and s.split == "test"} == {
            "01/test/ok/0000.bmp": None,
            "01/test/ok/0001.bmp": None,
            "01/test/ko/0000.bmp": "01/ground_truth/ko/0000.png",
            "01/test/ko/0001.bmp": "01/ground_truth/ko/0001.png",
        }

    def test_all_converted_to_png(self, native: Native) -> None:
        from PIL import Image

        folder = native("btad")
        for file in list(folder.rglob("*.bmp")):
            Image.open(file).save(file.with_suffix(".png"))
            file.unlink()
        assert count(read("btad", folder)) == TINY["btad"]

    def test_half_converted(self, native: Native) -> None:
        folder = native("btad")
        shutil.copy(
            folder / "BTech_Dataset_transformed/01/train/ok/0000.bmp",
            folder / "BTech_Dataset_transformed/01/train/ok/0000.png",
        )
        assert problems_of("btad", folder) == [
            "two files for one picture: 01/train/ok/0000.bmp and 01/train/ok/0000.png"
        ]


class TestRealIAD:
    def test_label_view_and_item_come_from_the_table(self, native: Native) -> None:
        samples = read("real_iad", native("real_iad"))
        bad = [s for s in samples if s.category == "usb" and "/NG/" in s.image]
        assert [(s.view, s.label, s.defect) for s in bad] == [
            *((view, 1, "BX") for view in ("C1", "C2", "C3", "C4")),
            ("C5", 0, "good"),
        ]
        assert {s.item for s in bad} == {"usb_0001_NG_BX"}
        assert bad[0].mask == "realiad_1024/usb/NG/BX/S0001/usb_0001_NG_BX_C1_20230920141034.png"
        assert Counter(s.item for s in samples if s.category == "usb").most_common()[-1][1] == 5

    def test_views(self, native: Native) -> None:
        info = choose("real_iad", "1024", ("C1", "C3"))
        samples, problems = survey(info, native("real_iad"))
        assert problems == []
        assert {s.view for s in samples} == {"C1", "C3"}
        assert count(samples)["usb"] == Counts(4, 2, 2)

    def test_resolutions_side_by_side(self, native: Native) -> None:
        folder = native("real_iad")
        shutil.copytree(folder / "realiad_1024", folder / "realiad_256")
        for resolution in ("256", "1024"):
            samples, _ = survey(choose("real_iad", resolution), folder)
            assert {s.image.split("/")[0] for s in samples} == {f"realiad_{resolution}"}

    def test_each_resolution_has_its_archives(self) -> None:
        names = [archive.name for archive in choose("real_iad", "raw").archives]
        assert len(names) == 31
        assert "realiad_jsons.zip" in names
        assert "realiad_raw/zipper.zip" in names

    @pytest.mark.parametrize(("resolution", "views"), [("300", ()), ("", ("C6",))])
    def test_unknown_choice(self, resolution: str, views: tuple[str, ...]) -> None:
        with pytest.raises(UsageError) as caught:
            choose("real_iad", resolution, views)
        assert caught.value.hint

    def test_no_choice_elsewhere(self) -> None:
        with pytest.raises(UsageError):
            choose("mvtec", "256")

    def test_the_form_of_ader(self, native: Native) -> None:
        folder = native("real_iad")
        for category in ("audiojack", "usb"):
            shutil.move(folder / f"realiad_jsons/realiad_jsons/{category}.json", folder / f"{category}.json")
            shutil.move(folder / f"realiad_1024/{category}", folder / category)
        assert count(read("real_iad", folder)) == TINY["real_iad"]

    def test_problems_name_the_file(self, native: Native) -> None:
        folder = native("real_iad")
        jsons = folder / "realiad_jsons/realiad_jsons"
        mask = "realiad_1024/usb/NG/BX/S0001/usb_0001_NG_BX_C2_20230920141034.png"
        (folder / mask).unlink()
        (jsons / "audiojack.json").write_text("{}")
        assert problems_of("real_iad", folder) == [
            "realiad_jsons/realiad_jsons/audiojack.json is not a split of Real-IAD: KeyError('meta')",
            f"{mask} is in usb.json but not in the folder",
        ]
        (jsons / "usb.json").unlink()
        assert problems_of("real_iad", folder)[1].startswith("usb.json is missing")

    def test_a_path_that_leads_out(self, native: Native) -> None:
        folder = native("real_iad")
        (folder / "outside_C1_1.jpg").write_bytes(b"secret")
        file = folder / "realiad_jsons/realiad_jsons/usb.json"
        table = json.loads(file.read_text())
        table["train"][0]["image_path"] = "../../outside_C1_1.jpg"
        file.write_text(json.dumps(table))
        assert problems_of("real_iad", folder) == [
            "realiad_1024/usb/../../outside_C1_1.jpg leads out of the folder"
        ]


class TestUniMedical:
    @pytest.mark.parametrize(
        "folders", [("Brain", "Retina_RESC"), ("Brain_AD/BraTS2021_slice", "Retina_RESC_AD/RESC")]
    )
    @pytest.mark.parametrize("masks", ["anomaly_mask", "label"])
    def test_layout_of_bmad(self, tree: Any, folders: tuple[str, str], masks: str) -> None:
        for folder in folders:
            tree.picture(f"{folder}/train/good/1.png", f"{folder}/train/good/2.png")
            tree.picture(f"{folder}/valid/good/img/1.png", f"{folder}/valid/Ungood/img/2.png")
            tree.picture(f"{folder}/test/good/img/1.png", f"{folder}/test/Ungood/img/1.png")
            tree.mask(f"{folder}/test/Ungood/{masks}/1.png")
        samples = read("uni_medical", tree.root)
        assert count(samples) == {"brain": Counts(2, 1, 1), "retinal": Counts(2, 1, 1)}
        assert samples[3].mask == f"{folders[0]}/test/Ungood/{masks}/1.png"

    def test_no_mask(self, native: Native) -> None:
        folder = native("uni_medical")
        (folder / "medical/liver/ground_truth/Ungood/1.png").unlink()
        assert problems_of("uni_medical", folder) == [
            "no mask for the anomalous picture liver/test/Ungood/1.png"
        ]


def _with_meta(info: DatasetInfo, root: Path) -> dict[str, Any]:
    """Write the meta.json of a folder as ADer's generator would when nothing is amiss."""
    table: dict[str, Any] = {"train": {}, "test": {}}
    for sample in survey(info, root)[0]:
        record = {"img_path": sample.image, "mask_path": sample.mask or "", "cls_name": sample.category}
        record |= {"specie_name": sample.defect, "anomaly": sample.label}
        table[sample.split].setdefault(sample.category, []).append(record)
    (root / "meta.json").write_text(json.dumps(table))
    return table


class TestMetaJson:
    def test_takes_the_place_of_the_table_of_visa(self, native: Native) -> None:
        root = native("visa")
        before = read("visa", root)
        _with_meta(registry.find("visa"), root)
        shutil.rmtree(root / "split_csv")
        assert Counter(read("visa", root)) == Counter(before)

    def test_pictures_in_unknown_folders(self, native: Native) -> None:
        root = native("uni_medical") / "medical"
        _with_meta(registry.find("uni_medical"), root)
        text = (root / "meta.json").read_text().replace("train/good", "for_training")
        for category in ("brain", "liver", "retinal"):
            (root / category / "train/good").rename(root / category / "for_training")
        (root / "meta.json").write_text(text)
        assert count(read("uni_medical", root)) == TINY["uni_medical"]

    def test_shifted_masks_are_found(self, native: Native) -> None:
        root = native("visa")
        table = _with_meta(registry.find("visa"), root)
        shutil.rmtree(root / "split_csv")
        first, second = [record for record in table["test"]["candle"] if record["anomaly"]]
        first["mask_path"], second["mask_path"] = second["mask_path"], first["mask_path"]
        (root / "meta.json").write_text(json.dumps(table))
        assert problems_of("visa", root) == [
            f"meta.json pairs the picture {r['img_path']} with the mask of another one, {r['mask_path']}"
            for r in (first, second)
        ]

    def test_a_missing_file(self, native: Native) -> None:
        root = native("visa")
        _with_meta(registry.find("visa"), root)
        shutil.rmtree(root / "split_csv")
        (root / "candle/Data/Images/Normal/0000.JPG").unlink()
        assert problems_of("visa", root) == [
            "candle/Data/Images/Normal/0000.JPG is in meta.json but not in the folder"
        ]


class TestMVTecLayout:
    def test_no_mask_and_no_picture(self, native: Native) -> None:
        root = native("mvtec")
        (root / "grid/ground_truth/cut/000_mask.png").unlink()
        (root / "grid/test/cut/001.png").unlink()
        assert problems_of("mvtec", root) == [
            "no mask for the anomalous picture grid/test/cut/000.png",
            "no picture for the mask grid/ground_truth/cut/001_mask.png",
        ]

    def test_empty_category(self, native: Native) -> None:
        root = native("mvtec")
        shutil.rmtree(root / "grid")
        (root / "grid/train/good").mkdir(parents=True)
        assert problems_of("mvtec", root) == [
            "category 'grid' has no pictures in grid/train/good",
            "category 'grid' has no pictures in grid/test",
        ]

    def test_empty_defect_folder(self, native: Native) -> None:
        root = native("mvtec")
        (root / "grid/test/bent").mkdir()
        assert problems_of("mvtec", root) == ["defect folder grid/test/bent has no pictures"]

    def test_stray_files_do_not_matter(self, native: Native) -> None:
        root = native("mvtec")
        before = read("mvtec", root)
        for folder in ("grid/test/cut", "grid/ground_truth/cut", "grid/train/good"):
            (root / folder / ".DS_Store").write_bytes(b"x")
            (root / folder / "._000.png").write_bytes(b"x")
            (root / folder / "Thumbs.db").write_bytes(b"x")
        assert read("mvtec", root) == before

    def test_masks_are_paired_by_stem(self, tree: Any) -> None:
        tree.mvtec("grid")
        tree.picture("grid/test/cut/100.png", "grid/test/cut/20.png")
        tree.mask("grid/ground_truth/cut/100_mask.png", "grid/ground_truth/cut/20.png")
        pairs = {s.image: s.mask for s in read("mvtec", tree.root) if s.label}
        assert pairs["grid/test/cut/100.png"] == "grid/ground_truth/cut/100_mask.png"
        assert pairs["grid/test/cut/20.png"] == "grid/ground_truth/cut/20.png"
