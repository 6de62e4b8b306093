"""Evaluation: maps of the test pictures, one category at a time, and what the metrics say about them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import PartialState
from numpy.typing import NDArray

from mambaad_cli import console
from mambaad_cli.data.images import read_mask
from mambaad_cli.data.index import Index
from mambaad_cli.data.info import Sample
from mambaad_cli.data.store import ImageStore
from mambaad_cli.engine.detector import Detector
from mambaad_cli.engine.results import (
    FOLDER,
    CategoryResult,
    Evaluation,
    read_evaluation,
    write_evaluation,
    write_json,
)
from mambaad_cli.errors import DataError
from mambaad_cli.metrics import METRICS
from mambaad_cli.metrics.bootstrap import bootstrap
from mambaad_cli.metrics.ranking import rank
from mambaad_cli.metrics.regions import rank_pixels
from mambaad_cli.metrics.scores import CategoryMetrics, category_metrics
from mambaad_cli.render.report.points import pr_curve, pro_curve, roc_curve


@dataclass(frozen=True)
class Measures:
    """What is to be measured.

    Attributes:
        metrics: names out of `mambaad_cli.metrics.METRICS`.
        protocol: "exact", or "published": as the published tables were made.
        fpr_limit: false-positive rate up to which AUPRO integrates.
        by_defect: measure each defect type against the normal pictures too.
        resamples: how often the pictures are drawn anew for confidence intervals; 0 for none.
    """

    metrics: tuple[str, ...] = METRICS
    protocol: str = "exact"
    fpr_limit: float = 0.3
    by_defect: bool = False
    resamples: int = 0


@dataclass(frozen=True)
class _Maps:
    """Maps (n, H, W), masks and scores of one category, the large ones on disk."""

    samples: list[Sample]
    maps: NDArray[np.float32]
    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.array([sample.label for sample in self.samples])


def evaluate(
    detector: Detector, index: Index, measures: Measures | None = None, batch_size: int = 8
) -> Evaluation:
    """Look at all test pictures of `index` and leave metrics and scores in the run's eval folder.

    One category is in work at a time, its maps on disk; a finished one is kept, so that the same call
    after an interruption goes on with the next. Several processes (see `engine.processes`) share out the
    batches of a category; the main one measures.

    Raises:
        DataError: no test pictures, or a broken one.
    """
    measures = measures or Measures()
    by_category: dict[str, list[Sample]] = {}
    for sample in index.samples("test"):
        by_category.setdefault(sample.category, []).append(sample)
    if not by_category:
        raise DataError(f"{index.title} at {index.root} has no test pictures", "what is there: mambaad fetch")
    settings = _settings(detector, index, measures)
    state = PartialState()
    parts = detector.run / FOLDER / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    categories: dict[str, CategoryResult] = {}
    with console.task("evaluating", sum(map(len, by_category.values()))) as advance:
        for number, (category, samples) in enumerate(by_category.items()):
            kept = parts / f"{number}.json"
            result = _read_part(kept, category, settings)
            if result is None:
                looked = _look(detector, index.root, samples, parts, batch_size, advance)
                if state.is_main_process:
                    result = _measure(looked, measures, number)
                    write_json(kept, {"category": category, "settings": settings, **asdict(result)})
                del looked  # its files cannot be removed while they are open on Windows
                state.wait_for_everyone()
            else:
                advance(len(samples), category)
            if result is not None:
                categories[category] = result
    if state.is_main_process:
        write_evaluation(Evaluation(settings, categories), detector.run)
        shutil.rmtree(parts)
    state.wait_for_everyone()
    return read_evaluation(detector.run)


def _look(
    detector: Detector,
    root: Path,
    samples: list[Sample],
    folder: Path,
    batch_size: int,
    advance: Callable[[int, str], None],
) -> _Maps:
    """The maps of one category, computed batch by batch into files in `folder`, which all processes share."""
    size, state = detector.size, PartialState()
    store = ImageStore.open(root, samples, size, progress=console.task)
    shape = (len(samples), size, size)
    if state.is_main_process:
        _new_array(folder / "maps.npy", np.float32, shape)
        _new_array(folder / "masks.npy", np.bool_, shape)
        _new_array(folder / "scores.npy", np.float32, shape[:1])
    state.wait_for_everyone()
    maps, masks, scores = (np.load(folder / f"{name}.npy", "r+") for name in ("maps", "masks", "scores"))
    for start in range(0, len(samples), batch_size)[state.process_index :: state.num_processes]:
        batch = np.arange(start, min(start + batch_size, len(samples)))
        maps[batch], scores[batch] = detector.predict_resized(store[batch])
        for place in batch:
            image, mask = samples[place].image, samples[place].mask
            masks[place] = read_mask(root / mask if mask else None, size, root / image)
        advance(min(len(batch) * state.num_processes, len(samples) - start), samples[0].category)
    for array in (maps, masks, scores):
        array.flush()
    state.wait_for_everyone()
    return _Maps(samples, maps, masks, scores)


def _new_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape).flush()


def _measure(looked: _Maps, measures: Measures, number: int) -> CategoryResult:
    """The metrics of one category; `number` seeds its resamples."""
    options: dict[str, Any] = {
        "metrics": measures.metrics,
        "protocol": measures.protocol,
        "fpr_limit": measures.fpr_limit,
    }
    whole = (looked.maps, looked.masks, looked.labels, looked.scores)
    drawn: dict[str, list[float]] = {}
    if measures.resamples:
        samples = bootstrap(*whole, n=measures.resamples, seed=(0, number), **options).samples
        drawn = {name: values.tolist() for name, values in samples.items()}
    return CategoryResult(
        metrics=category_metrics(*whole, **options),
        scores=_score_rows(looked),
        curves=_curves(looked),
        defects=_by_defect(looked, options) if measures.by_defect else {},
        resamples=drawn,
    )


def _by_defect(looked: _Maps, options: dict[str, Any]) -> dict[str, CategoryMetrics]:
    """Each defect type against all normal pictures of the category."""
    kinds = np.array([sample.defect for sample in looked.samples])
    found = {}
    for defect in sorted(set(kinds[looked.labels == 1])):
        chosen = np.flatnonzero((looked.labels == 0) | (kinds == defect))
        arrays = (looked.maps[chosen], looked.masks[chosen], looked.labels[chosen], looked.scores[chosen])
        found[str(defect)] = category_metrics(*arrays, **options)
    return found


def _curves(looked: _Maps) -> dict[str, dict[str, list[float]]]:
    """What the report draws: of the pictures, and of the pixels of normal and masked pictures."""
    if not 0 < looked.labels.sum() < len(looked.labels):
        return {}
    pictures = rank(looked.scores, looked.labels)
    curves = {"image_roc": roc_curve(pictures), "image_pr": pr_curve(pictures)}
    masked = looked.masks.any(axis=(1, 2))
    if masked.any():
        known = np.flatnonzero(masked | (looked.labels == 0)).tolist()
        pixels = rank_pixels(looked.maps, looked.masks, known)
        curves |= {"pixel_roc": roc_curve(pixels.ranking), "pixel_pr": pr_curve(pixels.ranking)}
        curves["pixel_pro"] = pro_curve(pixels)
    return {name: {"x": curve.x.tolist(), "y": curve.y.tolist()} for name, curve in curves.items()}


def _score_rows(looked: _Maps) -> list[dict[str, Any]]:
    return [
        {
            "image": sample.image,
            "mask": sample.mask,
            "category": sample.category,
            "defect": sample.defect,
            "label": sample.label,
            "score": float(score),
            "map_median": float(np.median(anomaly_map)),
        }
        for sample, score, anomaly_map in zip(looked.samples, looked.scores, looked.maps, strict=True)
    ]


def _settings(detector: Detector, index: Index, measures: Measures) -> dict[str, Any]:
    return {
        "run": detector.run.name,
        "epoch": detector.epoch,
        "dataset": index.name,
        "map_size": detector.size,
        "smoothing_sigma": detector.recipe.score.sigma,
        "mask_rule": "bilinear to map size, > 0.5",
        **asdict(measures),
        "metrics": list(measures.metrics),
    }


def _read_part(path: Path, category: str, settings: dict[str, Any]) -> CategoryResult | None:
    """A finished category of an interrupted evaluation, if it was made under the same settings."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = (content.get("category"), content.get("settings")) == (category, settings)
    return CategoryResult.from_json(content) if same else None
