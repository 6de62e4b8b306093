"""The report of ten thousand made-up pictures: time, bytes, and how fast a browser opens and filters it.

    nox -s bench -- report --pictures 10000

The browser part needs chromium and playwright and is left out without them.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from mambaad_cli.render.report import Report, ReportPicture, write_report


def pictures(count: int) -> Iterator[ReportPicture]:
    """Walls of 256 pixels with a hill in the map; every third one has a defect."""
    wall = np.asarray(Image.fromarray(data.brick()).convert("RGB").resize((256, 256)))
    rows, columns = np.mgrid[:64, :64]
    hill = np.exp(-((rows - 20) ** 2 + (columns - 40) ** 2) / 60)
    rng = np.random.default_rng(0)
    for number in range(count):
        label = int(number % 3 == 0)
        score = float(rng.normal(0.4 + 0.3 * label, 0.1))
        category, defect = f"category{number % 15:02}", "bent" if label else "good"
        name = f"{category}/test/{defect}/{number:05}.png"
        mask = hill > 0.5 if label else np.zeros((1, 1), bool)
        yield ReportPicture(name, category, defect, label, score, wall, hill * score, mask)


def in_browser(page: Path, single: int) -> None:
    """Open the page, change a filter and move the threshold; print the seconds."""
    from playwright.sync_api import sync_playwright

    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--headless", "--no-sandbox"]
        )
        tab = browser.new_page()
        tab.set_default_timeout(300_000)
        for name, action in (
            ("open", lambda: tab.goto(page.as_uri())),
            ("filter", lambda: tab.select_option("#by-verdict", "missed")),
            ("threshold", lambda: tab.fill("#threshold-number", "0.5")),
        ):
            start = time.perf_counter()
            action()
            tab.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
            print(f"  {name}: {time.perf_counter() - start:.2f} s")
        print(f"  cards in the document: {tab.locator('#cards li').count()} of {single}")
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=10_000)
    options = parser.parse_args()
    report = Report(title="made up", metrics={}, threshold=0.55, scale=(0.0, 1.0))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        page = write_report(report, pictures(options.pictures), Path(folder) / "report.html")
        seconds = time.perf_counter() - start
        beside = sum(path.stat().st_size for path in (Path(folder) / "report_files").iterdir())
        print(
            f"{options.pictures} pictures: {seconds:.0f} s, page {page.stat().st_size / 1e6:.1f} MB, "
            f"pictures beside it {beside / 1e6:.0f} MB"
        )
        try:
            in_browser(page, options.pictures)
        except ImportError:
            print("  no browser here: not measured")


if __name__ == "__main__":
    main()
