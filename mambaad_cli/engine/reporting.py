"""What the folder of a run knows about it, for its report and for comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mambaad_cli.data.receipt import read_json
from mambaad_cli.engine.results import Evaluation
from mambaad_cli.engine.runs import ENVIRONMENT, read_log, read_recipe
from mambaad_cli.render.report import Curve, Report

LICENCES = {
    "mambaad": "MIT",
    "EfficientNet-Lite0 weights": "Apache-2.0",
    "ResNet-34 weights (timm)": "Apache-2.0",
}


def describe(run: Path, evaluation: Evaluation) -> Report:
    """Everything about a run but its pictures; needs neither its network nor its dataset."""
    results = evaluation.categories
    notes = [
        f"{name}, {metric}: {text}" for name, r in results.items() for metric, text in r.metrics.notes.items()
    ]
    curves = {
        name: {kind: Curve(np.array(c["x"]), np.array(c["y"])) for kind, c in result.curves.items()}
        for name, result in results.items()
    }
    environment = read_json(run / ENVIRONMENT) or {}
    receipt: dict[str, Any] = environment.pop("dataset", None) or {}
    return Report(
        title=run.name,
        metrics=evaluation.rows(),
        threshold=evaluation.thresholds.get("image", evaluation.scale[1]),
        scale=evaluation.scale,
        facts={key: value for key, value in evaluation.settings.items() if key not in ("run", "metrics")},
        notes=notes,
        curves={name: found for name, found in curves.items() if found},
        training=read_log(run),
        recipe=read_recipe(run).to_yaml(),
        environment=environment,
        receipts={receipt["name"]: receipt} if receipt else {},
        licences={**LICENCES, **({receipt["title"]: receipt["licence"]} if receipt.get("licence") else {})},
    )
