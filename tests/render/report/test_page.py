"""The page holds the data of the run, safely, and appears whole or not at all."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.report import Curve, Report, ReportPicture, write_report

SMALL = Report(title="small", metrics={}, threshold=0.5, scale=(0.0, 1.0))


def block(page: str, name: str):
    """The JSON that the page carries under an id."""
    return json.loads(
        re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.S)[1]
    )


def test_every_picture_is_there_with_its_files(page: Path, pictures) -> None:
    records = block(page.read_text(encoding="utf-8"), "pictures")
    assert [(r["name"], r["label"], r["score"]) for r in records] == [
        (p.name, p.label, p.score) for p in pictures
    ]
    for record, sample in zip(records, pictures, strict=True):
        assert ("mask" in record) == (sample.mask is not None and sample.mask.any())
        for role in ("picture", "map", "mask"):
            assert role not in record or (page.parent / record[role]).is_file()


def test_a_page_of_ten_thousand_pictures_stays_small(tmp_path: Path, pictures) -> None:
    """What a picture adds to the page is a line of text; the limit is 50 MB for ten thousand."""
    sizes = [
        write_report(SMALL, pictures[:20] * times, tmp_path / "report.html").stat().st_size
        for times in (0, 10)
    ]
    per_picture = (sizes[1] - sizes[0]) / 200
    assert sizes[0] + 10_000 * per_picture < 20e6


def test_one_file_needs_no_other(tmp_path: Path, report: Report, pictures) -> None:
    path = write_report(report, pictures[:3], tmp_path / "one.html", single_file=True)
    assert list(tmp_path.iterdir()) == [path]
    records = block(path.read_text(encoding="utf-8"), "pictures")
    assert all(record["picture"].startswith("data:image/webp;base64,") for record in records)


def test_the_page_asks_for_nothing_outside(page: Path) -> None:
    """Everything but the plotting library, which names its home page, is free of addresses."""
    text = re.sub(r"<script>.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.S)
    assert not re.search(r"https?://", text)
    assert "default-src 'none'" in text


def test_what_comes_from_a_run_cannot_break_the_page(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    report = replace(
        SMALL, title=evil, metrics={evil: {"mad": 1.0}}, recipe=evil, notes=[evil], facts={evil: evil}
    )
    path = write_report(report, [ReportPicture(evil, evil, evil, 1, 1.0)], tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert block(text, "pictures")[0]["name"] == evil


def test_a_report_of_almost_nothing(tmp_path: Path) -> None:
    text = write_report(SMALL, [], tmp_path / "report.html").read_text(encoding="utf-8")
    assert block(text, "pictures") == []
    assert "<table" not in text


def test_a_new_report_replaces_the_old_one(tmp_path: Path, pictures) -> None:
    path = tmp_path / "new" / "report.html"
    write_report(SMALL, pictures[:5], path)
    write_report(SMALL, pictures[:1], path)
    assert {entry.name for entry in path.parent.iterdir()} == {"report.html", "report_files"}
    assert {entry.name for entry in (path.parent / "report_files").iterdir()} == {
        "00000-picture.webp",
        "00000-map.webp",
    }


def test_a_broken_picture_keeps_the_old_report(tmp_path: Path, pictures) -> None:
    path = write_report(SMALL, pictures[:1], tmp_path / "report.html")
    before = path.read_bytes()
    broken = replace(pictures[1], anomaly_map=np.full((4, 4), np.nan))
    with pytest.raises(DataError, match=re.escape(broken.name)):
        write_report(SMALL, [pictures[0], broken], path)
    assert path.read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"report.html", "report_files"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": (1.0, 1.0)}, "scale"),
        ({"scale": (0.0, float("nan"))}, "scale"),
        ({"threshold": float("inf")}, "threshold"),
        ({"curves": {"nuts": {"image_auroc": Curve(np.zeros(2), np.zeros(2))}}}, "nuts: unknown curve"),
    ],
)
def test_impossible_settings_are_refused(tmp_path: Path, changes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_report(replace(SMALL, **changes), [], tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_a_score_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png: the score is nan"):
        write_report(
            SMALL, [ReportPicture("a.png", "nuts", "good", 0, float("nan"))], tmp_path / "report.html"
        )


def test_a_run_that_diverged_can_still_be_reported(tmp_path: Path) -> None:
    training = [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": float("nan")}]
    path = write_report(replace(SMALL, training=training), [], tmp_path / "report.html")
    loss, rate = block(path.read_text(encoding="utf-8"), "charts")["training"]["data"]
    assert loss["y"] == [3.0, None]
    assert rate["y"] == [None, None]


def test_the_loss_on_held_back_pictures_is_drawn_where_it_is_known(tmp_path: Path) -> None:
    training = [{"epoch": 1, "loss": 3.0}, {"epoch": 2, "loss": 2.0, "held_loss": 4.0}]
    path = write_report(replace(SMALL, training=training), [], tmp_path / "report.html")
    *_, held = block(path.read_text(encoding="utf-8"), "charts")["training"]["data"]
    assert (held["name"], held["y"]) == ("loss, held back", [None, 4.0])
