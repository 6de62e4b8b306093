"""The test pictures of an evaluation, looked at again: which ones, and what the run sees in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mambaad_cli.data.images import full_mask, open_picture
from mambaad_cli.engine.detector import Detector
from mambaad_cli.engine.results import Evaluation
from mambaad_cli.errors import DataError

Row = dict[str, Any]

SCALES = ("stride 4", "stride 8", "stride 16")  # of the three maps that a picture gets, finest first


@dataclass(frozen=True)
class Seen:
    """A picture and what the run sees in it.

    Attributes:
        row: its row of the evaluation's scores.
        picture: (H, W, 3) uint8; None where it cannot be read any more.
        anomaly_map: (S, S) float, None without a picture.
        mask: (h, w) bool, None where nobody knows.
        scales: the map of each scale by name, where asked for; their mean is the anomaly map.
        problems: why picture or mask could not be read.
    """

    row: Row
    picture: NDArray[np.uint8] | None = None
    anomaly_map: NDArray[np.float32] | None = None
    mask: NDArray[np.bool_] | None = None
    scales: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def choose_rows(
    evaluation: Evaluation,
    category: str | None = None,
    defect: str | None = None,
    worst: int | None = None,
    best: int | None = None,
    missed: bool = False,
) -> list[Row]:
    """The rows of an evaluation's scores that are to be drawn.

    Args:
        category, defect: only these.
        worst, best: only so many, the highest or the lowest scores first; both: the worst, then the best.
        missed: only pictures on the wrong side of their category's threshold.

    Raises:
        DataError: no picture is left.
    """
    alike = [
        row
        for row in evaluation.scores
        if category in (None, row["category"]) and defect in (None, row["defect"])
    ]
    if not alike:
        known = sorted({f"{row['category']}/{row['defect']}" for row in evaluation.scores})
        raise DataError("no evaluated picture is like that", "there are: " + ", ".join(known))
    rows = [row for row in alike if not missed or _is_missed(evaluation, row)]
    if not rows:
        raise DataError(
            f"nothing to draw: all {len(alike)} pictures have the right verdict", "leave out --missed"
        )
    if not (worst or best):
        return rows
    high = sorted(rows, key=lambda row: -row["score"])[:worst] if worst else []
    low = sorted(rows, key=lambda row: row["score"])[:best] if best else []
    return [*high, *(row for row in low if row not in high)]


def look(
    detector: Detector, root: Path, rows: Sequence[Row], batch_size: int = 8, scales: bool = False
) -> Iterator[Seen]:
    """The pictures of `rows` with the detector's maps and the true masks, one after the other.

    A picture or mask that was moved, deleted or damaged since the evaluation is left out and named in
    `Seen.problems`.

    Args:
        root: folder that the rows' paths are relative to.
        scales: give the map of each scale too.
    """
    for start in range(0, len(rows), batch_size):
        batch = [_read(root, row) for row in rows[start : start + batch_size]]
        views = _views(detector, [seen.picture for seen in batch if seen.picture is not None], scales)
        for seen in batch:
            yield seen if seen.picture is None else Seen(**{**vars(seen), **next(views)})


def threshold_of(evaluation: Evaluation, kind: str, category: str) -> float:
    """The category's threshold ("image" or "pixel"); where there is none, one that nothing reaches."""
    threshold = evaluation.threshold(kind, category)
    return float("inf") if threshold is None else threshold


def _read(root: Path, row: Row) -> Seen:
    try:
        picture = np.asarray(open_picture(root / row["image"]))
    except DataError as error:
        return Seen(row, problems=(error.message,))
    if not row["label"]:
        return Seen(row, picture, mask=np.zeros((1, 1), np.bool_))  # known to be empty
    if not row.get("mask"):
        return Seen(row, picture)
    try:
        return Seen(row, picture, mask=full_mask(root / row["mask"]))
    except DataError as error:
        return Seen(row, picture, problems=(error.message,))


def _views(detector: Detector, pictures: list[NDArray[np.uint8]], scales: bool) -> Iterator[dict[str, Any]]:
    """The maps of each picture, as fields of `Seen`."""
    if pictures and scales:
        for maps in detector.scale_maps(pictures):
            yield {"anomaly_map": maps.mean(axis=0), "scales": dict(zip(SCALES, maps, strict=True))}
    elif pictures:
        for anomaly_map in detector.predict(pictures)[0]:
            yield {"anomaly_map": anomaly_map}


def _is_missed(evaluation: Evaluation, row: Row) -> bool:
    anomalous = row["score"] >= threshold_of(evaluation, "image", row["category"])
    return bool(anomalous != bool(row["label"]))
