"""The report as a command: one run, or several side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


def test_one_page_that_needs_no_other_file(trained: Path, mambaad: Command) -> None:
    mambaad("eval", "-q")
    outcome = mambaad("report", "--single-file", "--out", "shared/page.html", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.json["report"] == str(Path("shared/page.html"))
    assert [path.name for path in Path("shared").iterdir()] == ["page.html"]
    text = Path("shared/page.html").read_text(encoding="utf-8")
    found = re.search(r'id="pictures">(.*?)</script>', text, re.DOTALL)
    assert found
    records = json.loads(found[1])
    assert len(records) == 10
    assert all(record["map"].startswith("data:image/webp;base64,") for record in records)
    for what in (trained.name, "tf_efficientnet_lite0", "folder:", "I-AUROC", "MIT"):
        assert what in text


def test_runs_side_by_side_even_of_other_categories_and_without_their_data(
    trained: Path, tiny: Path, parts: Path, mambaad: Command
) -> None:
    mambaad("eval", "-q")
    other = Path(mambaad("train", tiny, "train.epochs=1", "optim.lr=0.001", "-q").out.strip())
    unmeasured = mambaad("report", "compare", trained.name, other.name)
    assert unmeasured.code == 4
    assert f"mambaad eval {other.name}" in unmeasured.err
    mambaad("eval", "--classes", "nut", "-q")
    parts.rename(parts.with_name("elsewhere"))
    outcome = mambaad("report", "compare", trained.name, other.name, "--json")
    assert outcome.code == 0, outcome.err
    page = Path(outcome.json["report"])
    assert page == Path("runs/compare.html")
    text = page.read_text(encoding="utf-8")
    assert trained.name in text
    assert other.name in text
    assert "The means are of different categories" in text
    assert "lr: 0.001" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare",), "mambaad report compare RUN RUN"),
        (("compare", "latest"), "two different runs"),
        (("compare", "latest", "latest"), "two different runs"),
        (("latest", "tiny"), "mambaad report compare latest tiny"),
        (("--out", "page.pdf"), "page.pdf.html"),
    ],
)
def test_wrong_usage_is_explained(
    trained: Path, mambaad: Command, words: tuple[str, ...], message: str
) -> None:
    outcome = mambaad("report", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert mambaad("report", "compare", "latest", "nothing").code == 4
