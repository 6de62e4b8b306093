"""Runs side by side: the numbers, their differences, and what the recipes differ in."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from mambaad_cli.errors import UsageError
from mambaad_cli.render.report import Report, write_comparison


def rows(page: str, section: str) -> list[list[str]]:
    """The cells of the last table of a section, row by row, without the head."""
    part = page.split(f'<section id="{section}"')[1].split("</section>")[0]
    body = part.rsplit("<tbody>", 1)[1].split("</tbody>")[0]
    cells = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("</tr>"))
    return [[" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in row] for row in cells if row]


@pytest.fixture
def better(report: Report) -> Report:
    metrics = {
        **report.metrics,
        "nuts": {"image_auroc": 0.6},
        "screws": {"image_auroc": 0.9},
        "mean": {"image_auroc": 0.7, "image_ap": 0.6},
    }
    return replace(report, title="better", metrics=metrics, recipe="name: tools\nmodel: {directions: 4}\n")


def test_values_and_differences(tmp_path: Path, report: Report, better: Report) -> None:
    page = write_comparison([report, better], tmp_path / "new" / "compare.html").read_text(encoding="utf-8")
    means = rows(page, "means")
    assert means[0] == ["I-AUROC", "62.5", "70.0 +7.5"]
    assert means[1] == ["I-AP", "62.5", "60.0 -2.5"]
    assert means[2] == ["I-F1", "62.5", "-"]
    assert "mAD" not in unescape(page.split("<script")[0])
    categories = page.split('<section id="categories"')[1]
    auroc = categories.split("<summary>I-AUROC</summary>")[1].split("</details>")[0]
    found = re.sub(r"<[^>]+>", " ", auroc).split()
    for name, words in (("nuts", "50.0 60.0 +10.0"), ("screws", "- 90.0"), ("bolts", "75.0 75.0 +0.0")):
        assert f"{name} {words}" in " ".join(found)


def test_recipes_show_what_differs(tmp_path: Path, report: Report, better: Report) -> None:
    page = write_comparison([report, better], tmp_path / "compare.html").read_text(encoding="utf-8")
    section = unescape(page.split('<section id="recipes"')[1].split("</section>")[0])
    assert "+model: {directions: 4}" in section
    assert "-note: </script><b>bold</b>" in section
    assert "<b>bold</b>" not in page.replace(section, "")
    same = write_comparison([report, replace(report, title="twin")], tmp_path / "compare.html")
    assert "The same as the first." in same.read_text(encoding="utf-8")


def test_what_keeps_runs_from_being_compared_is_said(tmp_path: Path, report: Report) -> None:
    def text(other: Report) -> str:
        page = write_comparison([report, other], tmp_path / "compare.html").read_text(encoding="utf-8")
        return unescape(page.split("<script")[0])

    same = text(replace(report, title="twin"))
    assert "different" not in same
    bolts = {name: report.metrics[name] for name in ("bolts", "mean")}
    assert "The means are of different categories" in text(replace(report, metrics=bolts))
    published = text(replace(report, facts={"dataset": "tools", "protocol": "published"}))
    assert "different protocol: exact, published" in published
    assert "different categories" not in published
    conditions = rows(published, "conditions")
    assert ["protocol", "exact", "published"] in conditions


def test_runs_of_one_name_are_both_shown(tmp_path: Path, report: Report, better: Report) -> None:
    twins = [report, replace(better, title=report.title), replace(report, recipe="name: third")]
    page = write_comparison(twins, tmp_path / "compare.html").read_text(encoding="utf-8")
    section = unescape(page.split('<section id="recipes"')[1].split("</section>")[0])
    assert "+model: {directions: 4}" in section
    assert "+name: third" in section


def test_one_run_is_not_a_comparison(tmp_path: Path, report: Report) -> None:
    with pytest.raises(UsageError, match="two runs"):
        write_comparison([report], tmp_path / "compare.html")
