"""Reports for the tests; where no browser is installed its tests are not collected, and that is said."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from mambaad_cli.metrics import METRICS
from mambaad_cli.metrics.ranking import rank
from mambaad_cli.render.report import Report, ReportPicture, pr_curve, roc_curve, write_report

BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
MISSING = [name for name in ("playwright", "axe_playwright_python") if importlib.util.find_spec(name) is None]
collect_ignore = [] if BROWSER and not MISSING else ["test_browser.py"]


def pytest_terminal_summary(terminalreporter) -> None:
    if collect_ignore:
        lacking = ", ".join([*([] if BROWSER else ["chromium"]), *MISSING])
        terminalreporter.write_line(f"report in a real browser: not tested, missing here: {lacking}")


@pytest.fixture(scope="session")
def browser_path() -> str | None:
    return BROWSER


def picture(number: int, category: str, label: int, score: float) -> ReportPicture:
    rng = np.random.default_rng(number)
    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:50] = bool(label)
    return ReportPicture(
        name=f"{category}/test/{number:03d}.png",
        category=category,
        defect="bent" if label else "good",
        label=label,
        score=score,
        picture=rng.integers(0, 256, (40, 60, 3), np.uint8),
        anomaly_map=mask * 0.9 + 0.05,
        mask=mask,
    )


@pytest.fixture(scope="session")
def pictures() -> list[ReportPicture]:
    """80 pictures of two categories. With threshold 0.5, `nuts` has 3 missed defects and 2 false alarms."""
    bolts = [picture(n, "bolts", n % 2, 0.8 + n / 1000 if n % 2 else 0.1 + n / 1000) for n in range(60)]
    scores = [0.9] * 7 + [0.3, 0.35, 0.4] + [0.2] * 8 + [0.6, 0.65]
    nuts = [picture(100 + n, "nuts", int(n < 10), score + n / 1e4) for n, score in enumerate(scores)]
    gone = ReportPicture("nuts/test/gone.png", "nuts", "good", 0, 0.1)
    return [*bolts, *nuts[:-1], nuts[-1], gone]


@pytest.fixture(scope="session")
def report(pictures: list[ReportPicture]) -> Report:
    curves = {}
    for category in ("bolts", "nuts"):
        chosen = [sample for sample in pictures if sample.category == category]
        ranking = rank(np.array([s.score for s in chosen]), np.array([s.label for s in chosen]))
        curves[category] = {"image_roc": roc_curve(ranking), "image_pr": pr_curve(ranking)}
    return Report(
        title="tools-20260102-030405",
        metrics={
            "bolts": dict.fromkeys(METRICS, 0.75),
            "nuts": {**dict.fromkeys(METRICS, 0.5), "image_ap": None},
            "alloy": dict.fromkeys(METRICS, 0.625),
            "mean": dict.fromkeys(METRICS, 0.625),
        },
        threshold=0.5,
        scale=(0.0, 1.0),
        facts={"dataset": "tools", "protocol": "exact"},
        notes=["image_ap: mean of 2 of 3 categories, without nuts"],
        curves=curves,
        training=[{"epoch": n, "loss": 4 / n, "lr": 0.005} for n in range(1, 11)],
        recipe="name: tools\nnote: </script><b>bold</b>\n",
        environment={"python": "3.12", "versions": {"torch": "2.6"}, "command": ["mambaad", "train"]},
        receipts={"tools": {"source": "made here", "counts": {"bolts": 60}}},
        licences={"mambaad": "MIT", "tools": "CC0"},
    )


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, report: Report, pictures: list[ReportPicture]) -> Path:
    return write_report(report, pictures, tmp_path_factory.mktemp("report") / "report.html")
