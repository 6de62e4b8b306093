"""The overlays of a run: what it sees in the test pictures it was evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mambaad_cli.data.images import full_mask, open_picture
from mambaad_cli.data.index import Index
from mambaad_cli.engine.detector import Detector
from mambaad_cli.engine.results import Evaluation
from mambaad_cli.errors import DataError
from mambaad_cli.render.canvas import save_figure
from mambaad_cli.render.overlays import caption, overlay_figure
from mambaad_cli.render.report import ReportPicture

Row = dict[str, Any]


def choose_rows(
    evaluation: Evaluation,
    category: str | None = None,
    defect: str | None = None,
    worst: int | None = None,
    missed: bool = False,
) -> list[Row]:
    """The rows of an evaluation's scores that are to be drawn.

    Args:
        category, defect: only these.
        worst: only so many, the highest scores first.
        missed: only pictures on the wrong side of their category's threshold.

    Raises:
        DataError: no picture is left.
    """
    rows = [
        row
        for row in evaluation.scores
        if category in (None, row["category"])
        and defect in (None, row["defect"])
        and not (missed and _verdict_is_right(evaluation, row))
    ]
    if not rows:
        known = sorted({f"{row['category']}/{row['defect']}" for row in evaluation.scores})
        raise DataError("no evaluated picture is like that", "there are: " + ", ".join(known))
    return sorted(rows, key=lambda row: -row["score"])[:worst] if worst else rows


def look(
    detector: Detector, index: Index, rows: Sequence[Row], batch_size: int = 8
) -> Iterator[ReportPicture]:
    """The pictures of `rows` with the detector's maps and the true masks, one after the other."""
    masks = {sample.image: sample.mask for sample in index.samples("test")}
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        pictures = [np.asarray(open_picture(index.root / row["image"])) for row in batch]
        maps, _ = detector.predict(pictures)
        for row, picture, anomaly_map in zip(batch, pictures, maps, strict=True):
            mask = masks.get(row["image"])
            nothing = None if row["label"] else np.zeros((1, 1), np.bool_)  # unknown, or known to be empty
            yield ReportPicture(
                name=row["image"],
                category=row["category"],
                defect=row["defect"],
                label=row["label"],
                score=row["score"],
                picture=picture,
                anomaly_map=anomaly_map,
                mask=full_mask(index.root / mask) if mask else nothing,
            )


def draw_overlay(evaluation: Evaluation, seen: ReportPicture, folder: Path) -> Path:
    """Draw a picture into folder/<category>/<defect>/<name>.png, on the run's one scale."""
    low, high = evaluation.scale
    threshold = _threshold(evaluation, "image", seen.category)
    assert seen.picture is not None
    assert seen.anomaly_map is not None
    figure = overlay_figure(
        seen.picture,
        seen.anomaly_map,
        seen.mask,
        threshold=min(_threshold(evaluation, "pixel", seen.category), high),
        vmin=low,
        vmax=high,
        title=caption(seen.category, seen.defect, seen.score, threshold),
    )
    name = f"{PurePosixPath(seen.name).stem}.png"
    return save_figure(figure, folder / seen.category / seen.defect / name)


def _threshold(evaluation: Evaluation, kind: str, category: str) -> float:
    """Where there is no threshold, one that nothing reaches."""
    threshold = evaluation.threshold(kind, category)
    return float("inf") if threshold is None else threshold


def _verdict_is_right(evaluation: Evaluation, row: Row) -> bool:
    return bool((row["score"] >= _threshold(evaluation, "image", row["category"])) == bool(row["label"]))
