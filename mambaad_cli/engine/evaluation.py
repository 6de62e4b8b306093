"""Evaluation: maps of the test pictures, one category at a time, and what the metrics say about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mambaad_cli import console
from mambaad_cli.data.images import read_mask
from mambaad_cli.data.index import Index
from mambaad_cli.data.info import Sample
from mambaad_cli.data.store import ImageStore
from mambaad_cli.engine.detector import Detector
from mambaad_cli.errors import DataError, RunError
from mambaad_cli.metrics import METRICS
from mambaad_cli.metrics.ranking import f1_max, rank
from mambaad_cli.metrics.scores import CategoryMetrics, category_metrics, mean_metrics

FOLDER = "eval"
SCHEMA = "mambaad.eval/1"


@dataclass(frozen=True)
class Evaluation:
    """What is known about a run after looking at the test pictures.

    Attributes:
        settings: what the numbers depend on: protocol, map size, smoothing, checkpoint, and so on.
        categories: the metrics of each category.
        scores: one row per picture: image, category, defect, label, score, map_median.
        thresholds: "image" (best F1 over all pictures) and "pixel" (median of the categories' best).
        scale: (low, high) of the colours of every overlay of this run.
    """

    settings: dict[str, Any]
    categories: dict[str, CategoryMetrics]
    scores: list[dict[str, Any]]
    thresholds: dict[str, float]
    scale: tuple[float, float]

    @property
    def mean(self) -> CategoryMetrics:
        """The plain mean over categories."""
        return mean_metrics(self.categories)

    def rows(self) -> dict[str, dict[str, float | None]]:
        """Metrics and "mad" of each category, and last of their "mean"."""
        named = {**self.categories, "mean": self.mean}
        return {name: {**result.values, "mad": result.mad} for name, result in named.items()}


def evaluate(
    detector: Detector,
    index: Index,
    metrics: Sequence[str] = METRICS,
    protocol: str = "exact",
    batch_size: int = 8,
) -> Evaluation:
    """Look at all test pictures of `index` and write metrics and scores into the run's eval folder.

    One category is in work at a time, its maps on disk; a finished one is kept, so that the same call
    after an interruption goes on with the next.

    Raises:
        DataError: no test pictures, or a broken one.
    """
    by_category: dict[str, list[Sample]] = {}
    for sample in index.samples("test"):
        by_category.setdefault(sample.category, []).append(sample)
    if not by_category:
        raise DataError(
            f"{index.title} at {index.root} has no test pictures", "see what is there: mambaad fetch"
        )
    folder = detector.run / FOLDER
    settings = _settings(detector, index, metrics, protocol)
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    categories, scores = {}, []
    with console.task("evaluating", sum(map(len, by_category.values()))) as advance:
        for category, samples in by_category.items():
            part = _read_part(parts / f"{category}.json", settings)
            if part is None:
                part = _category(detector, index.root, samples, settings, parts, batch_size, advance)
                _write_json(parts / f"{category}.json", part)
            else:
                advance(len(samples), category)
            categories[category] = CategoryMetrics(**part["metrics"])
            scores += part["scores"]
    evaluation = Evaluation(settings, categories, scores, _thresholds(categories, scores), _scale(scores))
    _write(evaluation, folder)
    for path in parts.iterdir():
        path.unlink()
    parts.rmdir()
    return evaluation


def read_evaluation(run: Path) -> Evaluation:
    """The last evaluation of a run.

    Raises:
        RunError: it has not been evaluated, or the files are damaged.
    """
    path = run / FOLDER / "metrics.json"
    if not path.is_file():
        raise RunError(f"run {run.name} has no evaluation yet", f"mambaad eval {run.name}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Evaluation(
            settings=content["settings"],
            categories={name: CategoryMetrics(**part) for name, part in content["categories"].items()},
            scores=[dict(row) for _, row in pd.read_csv(run / FOLDER / "scores.csv").iterrows()],
            thresholds=content["thresholds"],
            scale=tuple(content["scale"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"the evaluation {path} is damaged: {error}", f"mambaad eval {run.name}") from error


def _category(
    detector: Detector,
    root: Path,
    samples: list[Sample],
    settings: dict[str, Any],
    folder: Path,
    batch_size: int,
    advance: Callable[[int, str], None],
) -> dict[str, Any]:
    """Maps, masks and scores of one category through the disk, then its metrics."""
    category, size = samples[0].category, detector.size
    store = ImageStore.open(root, samples, size, progress=console.task)
    shape = (len(samples), size, size)
    maps = np.lib.format.open_memmap(folder / "maps.npy", mode="w+", dtype=np.float32, shape=shape)
    masks = np.lib.format.open_memmap(folder / "masks.npy", mode="w+", dtype=np.bool_, shape=shape)
    scores = np.empty(len(samples), np.float32)
    for start in range(0, len(samples), batch_size):
        batch = np.arange(start, min(start + batch_size, len(samples)))
        maps[batch], scores[batch] = detector.predict_resized(store[batch])
        for place in batch:
            mask = samples[place].mask
            masks[place] = read_mask(root / mask if mask else None, size, root / samples[place].image)
        advance(len(batch), category)
    labels = np.array([sample.label for sample in samples])
    result = category_metrics(
        maps, masks, labels, scores, metrics=settings["metrics"], protocol=settings["protocol"]
    )
    rows = [
        {
            "image": sample.image,
            "category": sample.category,
            "defect": sample.defect,
            "label": sample.label,
            "score": float(score),
            "map_median": float(np.median(picture)),
        }
        for sample, score, picture in zip(samples, scores, maps, strict=True)
    ]
    return {"settings": settings, "metrics": asdict(result), "scores": rows}


def _settings(detector: Detector, index: Index, metrics: Sequence[str], protocol: str) -> dict[str, Any]:
    return {
        "run": detector.run.name,
        "epoch": detector.epoch,
        "dataset": index.name,
        "protocol": protocol,
        "metrics": list(metrics),
        "map_size": detector.size,
        "smoothing_sigma": detector.recipe.score.sigma,
        "mask_rule": "bilinear to map size, > 0.5",
        "fpr_limit": 0.3,
    }


def _thresholds(categories: dict[str, CategoryMetrics], scores: list[dict[str, Any]]) -> dict[str, float]:
    thresholds = {}
    labels = np.array([row["label"] for row in scores])
    if 0 < labels.sum() < len(labels):
        thresholds["image"] = f1_max(rank(np.array([row["score"] for row in scores]), labels))[1]
    if pixel := [part.thresholds["pixel"] for part in categories.values() if "pixel" in part.thresholds]:
        thresholds["pixel"] = float(np.median(pixel))
    return thresholds


def _scale(scores: list[dict[str, Any]]) -> tuple[float, float]:
    """From what is usual in a picture to what is high in this run."""
    low = float(np.median([row["map_median"] for row in scores]))
    high = float(np.quantile([row["score"] for row in scores], 0.95))
    return low, max(high, low + 1e-6)


def _write(evaluation: Evaluation, folder: Path) -> None:
    rows = evaluation.rows()
    pd.DataFrame.from_dict(rows, orient="index").rename_axis("category").to_csv(folder / "metrics.csv")
    pd.DataFrame(evaluation.scores).to_csv(folder / "scores.csv", index=False)
    _write_json(
        folder / "metrics.json",
        {
            "schema": SCHEMA,
            "settings": evaluation.settings,
            "thresholds": evaluation.thresholds,
            "scale": evaluation.scale,
            "categories": {name: asdict(part) for name, part in evaluation.categories.items()},
            "rows": rows,
        },
    )


def _read_part(path: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
    """A finished category of an interrupted evaluation, if it was made under the same settings."""
    try:
        part: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return part if part.get("settings") == settings else None


def _write_json(path: Path, content: dict[str, Any]) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)
