"""What a report is made from: plain data and arrays, so that it can be written from any source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

CURVES: dict[str, tuple[str, str, str]] = {
    "image_roc": ("Pictures: ROC", "false positive rate", "true positive rate"),
    "image_pr": ("Pictures: precision and recall", "recall", "precision"),
    "pixel_roc": ("Pixels: ROC", "false positive rate", "true positive rate"),
    "pixel_pr": ("Pixels: precision and recall", "recall", "precision"),
    "pixel_pro": ("Regions: PRO", "false positive rate", "mean overlap of regions"),
}
"""The curves that a report can show: title and the names of both axes."""


@dataclass(frozen=True)
class Curve:
    """A line through points; x and y are (n,) fractions in 0..1."""

    x: NDArray[np.floating[Any]]
    y: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ReportPicture:
    """One test picture.

    Attributes:
        name: its path as the user knows it, for example "screw/test/bent/000.png".
        label: 1 anomalous, 0 normal.
        score: higher is more anomalous.
        picture: (H, W, 3) uint8; None where the file is gone: the gallery then says so.
        anomaly_map: (h, w) float, or None.
        mask: (h, w) bool, True on the defect, or None.
    """

    name: str
    category: str
    defect: str
    label: int
    score: float
    picture: NDArray[np.uint8] | None = None
    anomaly_map: NDArray[np.floating[Any]] | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Report:
    """Everything about a run but its pictures; whatever is left out has no section on the page.

    Attributes:
        title: name of the run.
        metrics: for each category its metrics as fractions or None; "mean" is the last row.
        threshold: a picture is anomalous from this score on.
        scale: (low, high) ends of the colours of all anomaly maps.
        facts: what the numbers depend on, for example {"dataset": "mvtec", "epoch": 100}.
        notes: what a reader must know about the numbers, one sentence each.
        curves: for each category its curves, under the names in `CURVES`.
        training: rows of train.jsonl, each with "epoch", "loss" and, if known, "lr" and "held_loss".
        recipe: the recipe as YAML text.
        environment: what the run was made with.
        receipts: for each dataset what is known about its origin.
        licences: for each thing used (dataset, weights, program) its licence.
    """

    title: str
    metrics: Mapping[str, Mapping[str, float | None]]
    threshold: float
    scale: tuple[float, float]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    training: Sequence[Mapping[str, Any]] = ()
    recipe: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)
    receipts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
