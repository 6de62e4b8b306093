"""The report of a run: everything that its folder knows, on one page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mambaad_cli.data.index import Index
from mambaad_cli.engine.detector import Detector
from mambaad_cli.engine.gallery import look
from mambaad_cli.engine.results import Evaluation
from mambaad_cli.engine.runs import ENVIRONMENT, read_log
from mambaad_cli.render.report import Curve, Report, ReportPicture, write_report

LICENCES = {
    "mambaad": "MIT",
    "EfficientNet-Lite0 weights": "Apache-2.0",
    "ResNet-34 weights (timm)": "Apache-2.0",
}


def report_run(
    detector: Detector,
    index: Index,
    evaluation: Evaluation,
    advance: Callable[[int, str], None],
    single_file: bool = False,
    batch_size: int = 8,
) -> Path:
    """Write report.html into the run's folder, its pictures beside it or (`single_file`) inside.

    Args:
        advance: called with (1, category) for each picture.
    """

    def pictures() -> Iterator[ReportPicture]:
        for seen in look(detector, index, evaluation.scores, batch_size):
            advance(1, seen.category)
            yield seen

    report = _describe(detector, index, evaluation)
    return write_report(report, pictures(), detector.run / "report.html", single_file=single_file)


def _describe(detector: Detector, index: Index, evaluation: Evaluation) -> Report:
    results = evaluation.categories
    notes = [
        f"{name}, {metric}: {text}" for name, r in results.items() for metric, text in r.metrics.notes.items()
    ]
    curves = {
        name: {kind: Curve(np.array(c["x"]), np.array(c["y"])) for kind, c in result.curves.items()}
        for name, result in results.items()
    }
    licence = index.receipt.get("licence")
    return Report(
        title=detector.run.name,
        metrics=evaluation.rows(),
        threshold=evaluation.thresholds.get("image", evaluation.scale[1]),
        scale=evaluation.scale,
        facts={key: value for key, value in evaluation.settings.items() if key != "metrics"},
        notes=notes,
        curves={name: found for name, found in curves.items() if found},
        training=read_log(detector.run),
        recipe=detector.recipe.to_yaml(),
        environment=_environment(detector.run),
        receipts={index.name: index.receipt},
        licences={**LICENCES, **({index.title: licence} if licence else {})},
    )


def _environment(run: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((run / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    facts.pop("dataset", None)  # the receipt has its own place
    return facts
