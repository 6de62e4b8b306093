"""Prediction: scores, verdicts and overlays of pictures that belong to no dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mambaad_cli.data.images import open_picture
from mambaad_cli.data.layout import pictures as pictures_in
from mambaad_cli.engine.detector import Detector
from mambaad_cli.engine.results import read_evaluation
from mambaad_cli.errors import DataError, RunError, UsageError, did_you_mean
from mambaad_cli.render.canvas import save_figure
from mambaad_cli.render.overlays import overlay_figure


@dataclass(frozen=True)
class Limits:
    """From which score on a picture is anomalous, and a pixel; and the colours of the overlays."""

    image: float | None
    pixel: float | None
    scale: tuple[float, float] | None
    explanation: str


@dataclass(frozen=True)
class Prediction:
    """What is said of one picture; `problem` instead of a score when it cannot be read."""

    image: str
    score: float | None = None
    verdict: str | None = None
    overlay: str | None = None
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON and CSV."""
        return asdict(self)


def find_pictures(paths: Sequence[Path]) -> list[Path]:
    """The pictures that `paths` name, folders searched to their depths.

    Raises:
        DataError: a path does not exist, or there is no picture at all.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [p for folder in sorted([path, *path.rglob("*/")]) for p in pictures_in(folder)]
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"no picture at {path}", "name existing files or folders")
    if not found:
        raise DataError(f"no pictures in {', '.join(map(str, paths))}", "PNG, JPEG, BMP and TIFF are read")
    return found


def limits(run: Path, threshold: float | None = None, category: str | None = None) -> Limits:
    """Thresholds and colours from a run's evaluation.

    Args:
        threshold: takes the place of the image threshold.
        category: take the thresholds of this category instead of those of all pictures together.

    Raises:
        UsageError: the run was not evaluated on that category.
    """
    try:
        evaluation = read_evaluation(run)
    except RunError:
        given = f"threshold {threshold:.4g}" if threshold is not None else "no verdicts"
        text = f"{given}; thresholds and overlays need: mambaad eval {run.name}"
        return Limits(threshold, None, None, text)
    if category is not None and category not in evaluation.categories:
        names = evaluation.categories
        raise UsageError(
            f"the run knows no category '{category}'{did_you_mean(category, names)}", ", ".join(names)
        )
    found = evaluation.thresholds
    if category is not None:
        found = {
            kind: value for kind in ("image", "pixel") if (value := evaluation.threshold(kind, category))
        }
    image = threshold if threshold is not None else found.get("image")
    source = f"best F1 of {category or 'all'} test pictures" if threshold is None else "given"
    text = f"anomalous from score {image:.4g} on ({source})" if image is not None else "no verdicts"
    return Limits(image, found.get("pixel"), evaluation.scale, text)


def predict(
    detector: Detector, pictures: Sequence[Path], limits: Limits, batch_size: int = 8, out: Path | None = None
) -> Iterator[Prediction]:
    """Look at `pictures` in batches; a broken one is reported and the others go on.

    Args:
        out: folder for scores.csv and overlays; None writes nothing.
    """
    rows: list[Prediction] = []
    for start in range(0, len(pictures), batch_size):
        for row in _batch(detector, pictures[start : start + batch_size], limits, out):
            rows.append(row)
            yield row
    if out:
        out.mkdir(parents=True, exist_ok=True)
        pd.DataFrame([row.as_dict() for row in rows]).to_csv(out / "scores.csv", index=False)


def _batch(
    detector: Detector, paths: Sequence[Path], limits: Limits, out: Path | None
) -> Iterator[Prediction]:
    readable: dict[Path, NDArray[np.uint8]] = {}
    problems: dict[Path, str] = {}
    for path in paths:
        try:
            readable[path] = np.asarray(open_picture(path))
        except DataError as error:
            problems[path] = error.message
    found = zip(*detector.predict(list(readable.values())), strict=True) if readable else iter(())
    for path in paths:
        if path in problems:
            yield Prediction(str(path), problem=problems[path])
            continue
        anomaly_map, score = next(found)
        overlay = _overlay(path, readable[path], anomaly_map, float(score), limits, out)
        yield Prediction(str(path), float(score), _verdict(float(score), limits.image), overlay)


def _verdict(score: float, threshold: float | None) -> str | None:
    if threshold is None:
        return None
    return "anomalous" if score >= threshold else "normal"


def _overlay(
    path: Path,
    picture: NDArray[np.uint8],
    anomaly_map: NDArray[np.float32],
    score: float,
    limits: Limits,
    out: Path | None,
) -> str | None:
    if out is None or limits.scale is None or limits.pixel is None:
        return None
    low, high = limits.scale
    title = f"{path.name}    score {score:.4g}    {_verdict(score, limits.image) or ''}"
    figure = overlay_figure(picture, anomaly_map, threshold=limits.pixel, vmin=low, vmax=high, title=title)
    # The folder's name keeps pictures of one name in different folders apart.
    return str(save_figure(figure, out / "overlays" / path.parent.name / f"{path.stem}.png"))
