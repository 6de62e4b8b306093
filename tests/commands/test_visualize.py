"""Pictures of a run and of the scans."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mambaad_cli import Detector

Command = Callable[..., Any]


@pytest.fixture
def measured(trained: Path, mambaad: Command) -> Path:
    """The tiny run, evaluated on its 10 test pictures of 48 x 40 pixels."""
    assert mambaad("eval", "-q").code == 0
    return trained


def pictures_of(page: Path) -> list[dict[str, Any]]:
    """What a report knows about its pictures."""
    found = re.search(r'id="pictures">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return list(json.loads(found[1]))


def test_overlays_and_report_from_one_look(
    measured: Path, mambaad: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, predict = Counter[str](), Detector.predict

    def count(self: Detector, pictures: Any) -> Any:
        looked["pictures"] += len(pictures)
        return predict(self, pictures)

    monkeypatch.setattr(Detector, "predict", count)
    outcome = mambaad("visualize", "--json")
    assert outcome.code == 0, outcome.err
    files = [Path(name) for name in outcome.json["files"]]
    assert len(files) == len(set(files)) == 10
    assert measured / "overlays" / "nut" / "scratch" / "002.png" in files
    for file in files:
        with Image.open(file) as picture:
            assert picture.width == 3 * (6 * 48 + 12) + 12  # three panels, each pixel six pixels wide
    page = Path(outcome.json["report"])
    assert page == measured / "report.html"
    records = pictures_of(page)
    assert len(records) == 10
    assert all((measured / record["map"]).is_file() for record in records)
    assert sum("mask" in record for record in records) == 6
    assert looked["pictures"] == 10

    text = mambaad("visualize", "--category", "nut")
    assert text.out == f"{measured / 'overlays'}  (5 overlays)\n"
    assert mambaad("visualize", "--report").out == f"{page}  (open it in a browser)\n"
    assert mambaad("visualize", "--best", "1", "--report").out.splitlines() == [
        f"{measured / 'overlays'}  (1 overlays)",
        f"{page}  (open it in a browser)",
    ]


def test_a_choice_of_pictures_has_no_report(measured: Path, mambaad: Command) -> None:
    table = pd.read_csv(measured / "eval" / "scores.csv").sort_values("score")

    def drawn(*words: str) -> list[str]:
        outcome = mambaad("visualize", *words, "--json")
        assert outcome.code == 0, outcome.err
        assert outcome.json["report"] is None
        return ["/".join((*Path(name).parts[-3:-1], Path(name).stem)) for name in outcome.json["files"]]

    names = [f"{row.category}/{row.defect}/{Path(row.image).stem}" for row in table.itertuples(index=False)]
    assert drawn("--worst", "2") == names[:-3:-1]
    assert drawn("--best", "3") == names[:3]
    assert drawn("--worst", "1", "--best", "1") == [names[-1], names[0]]
    assert set(drawn("--worst", "10", "--best", "10")) == set(names)
    assert len(drawn("--overlays")) == 10
    scratched = [name for name in names if name.startswith("bolt/scratch")]
    assert drawn("--category", "bolt", "--defect", "scratch", "--best", "2") == scratched[:2]

    thresholds = json.loads((measured / "eval" / "metrics.json").read_text())["categories"]
    wrong = [
        name
        for name, row in zip(names, table.itertuples(index=False), strict=True)
        if (row.score >= thresholds[row.category]["metrics"]["thresholds"]["image"]) != row.label
    ]
    missed = mambaad("visualize", "--missed", "--json")
    if wrong:
        assert sorted(drawn("--missed")) == sorted(wrong)
    else:
        assert "right verdict" in missed.json["error"]["message"]
    assert not (measured / "report.html").exists()


def test_what_cannot_be_drawn_is_said(measured: Path, mambaad: Command) -> None:
    nothing = mambaad("visualize", "--category", "bolt", "--defect", "dent")
    assert nothing.code == 3
    assert "bolt/scratch" in nothing.err
    for words in (("--format", "gif"), ("--size", "4x4"), ("--over", "part.png"), ("--directions", "2")):
        outcome = mambaad("visualize", *words)
        assert outcome.code == 2
        assert words[0] in outcome.err


def test_scales_and_formats(measured: Path, parts: Path, mambaad: Command) -> None:
    picture = parts / "bolt" / "test" / "scratch" / "000.png"
    detector = Detector.load(measured)
    scales = detector.scale_maps([picture, picture])
    assert scales.shape == (2, 3, 64, 64)
    np.testing.assert_allclose(scales.mean(axis=1), detector.predict([picture, picture])[0], rtol=1e-4)
    assert len({float(scale.mean()) for scale in scales[0]}) == 3

    outcome = mambaad("visualize", "--worst", "1", "--scales", "--format", "jpg", "--json")
    assert outcome.code == 0, outcome.err
    (file,) = outcome.json["files"]
    with Image.open(file) as page:
        assert (page.format, page.width) == ("JPEG", 6 * (6 * 48 + 12) + 12)


def test_pictures_moved_or_damaged_since_are_named_and_all_others_drawn(
    measured: Path, parts: Path, mambaad: Command
) -> None:
    (parts / "nut" / "test" / "good" / "000.png").unlink()
    (parts / "bolt" / "test" / "scratch" / "001.png").write_bytes(b"no picture")
    (parts / "bolt" / "ground_truth" / "scratch" / "002_mask.png").unlink()
    outcome = mambaad("visualize")
    assert outcome.code == 3
    for name in ("nut/test/good/000.png", "bolt/test/scratch/001.png", "scratch/002_mask.png"):
        assert str(parts / name) in outcome.err or name in outcome.err
    assert "mambaad eval" in outcome.err
    assert "Traceback" not in outcome.err
    assert f"{measured / 'overlays'}  (8 overlays)" in outcome.out
    assert len(list((measured / "overlays").rglob("*.png"))) == 8
    records = {record["name"]: record for record in pictures_of(measured / "report.html")}
    assert len(records) == 10
    assert "picture" not in records["nut/test/good/000.png"]
    assert "picture" not in records["bolt/test/scratch/001.png"]
    assert "mask" not in records["bolt/test/scratch/002.png"]
    assert "mask" in records["bolt/test/scratch/000.png"]

    told = mambaad("visualize", "--report", "--json")
    assert told.code == 3
    assert len(told.json["problems"]) == 3

    shutil.rmtree(parts)
    gone = mambaad("visualize")
    assert gone.code == 3
    assert f"there is no folder {parts.as_posix()}" in gone.err


def test_an_interruption_says_how_to_go_on_and_keeps_an_earlier_report(
    measured: Path, mambaad: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (measured / "report.html").write_text("an earlier one")
    predict, calls = Detector.predict, []

    def stop_at_second(self: Detector, pictures: Any) -> Any:
        calls.append(len(pictures))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return predict(self, pictures)

    monkeypatch.setattr(Detector, "predict", stop_at_second)
    outcome = mambaad("visualize", "--batch-size", "4")
    assert outcome.code == 130
    assert f"mambaad visualize {measured.name}" in outcome.err
    assert len(list((measured / "overlays").rglob("*.png"))) == 4
    assert (measured / "report.html").read_text() == "an earlier one"
    assert [path.name for path in measured.iterdir() if path.name.endswith(".part")] == []


def test_no_run_and_no_evaluation_say_what_to_do(tiny: Path, mambaad: Command) -> None:
    for command in ("visualize", "report"):
        outcome = mambaad(command)
        assert outcome.code == 4
        assert "mambaad train" in outcome.err
    run = Path(mambaad("train", tiny, "train.epochs=1", "-q").out.strip())
    for words in (("visualize",), ("report",), ("report", "latest")):
        outcome = mambaad(*words)
        assert outcome.code == 4
        assert f"mambaad eval {run.name}" in outcome.err


@pytest.mark.parametrize("method", ["sweep", "scan", "zorder", "zigzag", "hilbert", "all"])
def test_scan_paths_as_png_and_svg(method: str, mambaad: Command) -> None:
    outcome = mambaad("visualize", "--scan", method, "--size", "4x6")
    assert outcome.code == 0, outcome.err
    assert outcome.out.split() == [f"scan-{method}.png", f"scan-{method}.svg"]
    with Image.open(f"scan-{method}.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5
    assert "<svg" in Path(f"scan-{method}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", ["1x1", "1x7", "7x1", "3x5"])
def test_small_and_oblong_maps(size: str, mambaad: Command) -> None:
    for method in ("hilbert", "all"):
        assert mambaad("visualize", "--scan", method, "--size", size, "--directions", "2").code == 0


def test_scan_paths_into_named_files_and_over_any_picture(tmp_path: Path, mambaad: Command) -> None:
    grey16 = np.random.default_rng(0).integers(0, 65536, (30, 50), np.uint16)
    Image.fromarray(grey16).save("part.png")
    one = mambaad("visualize", "--scan", "hilbert", "--over", "part.png", "--out", "new/one.svg", "--json")
    assert one.json["files"] == [str(Path("new/one.svg"))]
    assert "<image" in Path("new/one.svg").read_text(encoding="utf-8")
    both = mambaad("visualize", "--scan", "all", "--out", "new/both", "-q")
    assert both.out == f"{Path('new/both.png')}\n"
    assert {path.name for path in Path("new").iterdir()} == {"one.svg", "both.png", "both.svg"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--scan", "peano"), 2, "hilbert"),
        (("--scan", "hilbert", "--size", "8"), 2, "HxW"),
        (("--scan", "hilbert", "--size", "²x4"), 2, "HxW"),
        (("--scan", "hilbert", "--size", "0x4"), 2, "nothing to scan"),
        (("--scan", "all", "--size", "100000x100000"), 2, "too large"),
        (("--scan", "hilbert", "--directions", "3"), 2, "2, 4 or 8"),
        (("--scan", "hilbert", "--out", "paths.doc"), 2, ".svg"),
        (("--scan", "hilbert", "--over", "nowhere.png"), 3, "nowhere.png"),
    ],
)
def test_impossible_scans_are_refused(
    words: tuple[str, ...], code: int, message: str, mambaad: Command
) -> None:
    outcome = mambaad("visualize", *words)
    assert outcome.code == code
    assert message in outcome.err
    assert list(Path().glob("*.[psd][nvo][gc]")) == []
