"""What an evaluation found: kept as metrics.csv, metrics.json and scores.csv in the run's eval folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mambaad_cli.errors import RunError
from mambaad_cli.metrics.bootstrap import Bootstrap, mean_bootstrap
from mambaad_cli.metrics.ranking import f1_max, rank
from mambaad_cli.metrics.scores import CategoryMetrics, mean_metrics

FOLDER = "eval"
SCHEMA = "mambaad.eval/1"
REPORTED = Path(__file__).with_name("reported.csv")

CONDITIONS = ("run", "epoch", "protocol", "map_size", "smoothing_sigma", "mask_rule", "fpr_limit")
"""The settings without which a number means nothing; they stand beside it in metrics.csv."""

Values = dict[str, float | None]


@dataclass(frozen=True)
class CategoryResult:
    """One category.

    Attributes:
        metrics: of the whole category.
        defects: of its normal pictures with those of one defect type each, where asked for.
        resamples: per metric its value in each bootstrap resample, where asked for.
        scores: one row per picture: image, mask, category, defect, label, score, map_median.
        curves: ROC, precision-recall and PRO curves, thinned: name -> {"x": [...], "y": [...]}.
    """

    metrics: CategoryMetrics
    scores: list[dict[str, Any]]
    curves: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    defects: dict[str, CategoryMetrics] = field(default_factory=dict)
    resamples: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> CategoryResult:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            metrics=CategoryMetrics(**content["metrics"]),
            scores=content["scores"],
            curves=content["curves"],
            defects={name: CategoryMetrics(**part) for name, part in content["defects"].items()},
            resamples=content["resamples"],
        )

    @property
    def bootstrap(self) -> Bootstrap:
        """The resamples, ready for intervals."""
        return Bootstrap({name: np.array(values) for name, values in self.resamples.items()})


@dataclass(frozen=True)
class Evaluation:
    """What is known about a run after looking at the test pictures.

    Attributes:
        settings: what the numbers depend on: protocol, map size, smoothing, checkpoint, and so on.
        categories: the result of each category.
    """

    settings: dict[str, Any]
    categories: dict[str, CategoryResult]

    @property
    def scores(self) -> list[dict[str, Any]]:
        """The rows of all pictures."""
        return [row for result in self.categories.values() for row in result.scores]

    @property
    def mean(self) -> CategoryMetrics:
        """The plain mean over categories."""
        return mean_metrics({name: result.metrics for name, result in self.categories.items()})

    @property
    def thresholds(self) -> dict[str, float]:
        """ "image": the best F1 over all pictures; "pixel": the median of the categories' best."""
        found = {}
        labels = np.array([row["label"] for row in self.scores])
        if 0 < labels.sum() < len(labels):
            found["image"] = f1_max(rank(np.array([row["score"] for row in self.scores]), labels))[1]
        bests = [result.metrics.thresholds.get("pixel") for result in self.categories.values()]
        if known := [best for best in bests if best is not None]:
            found["pixel"] = float(np.median(known))
        return found

    def threshold(self, kind: str, category: str) -> float | None:
        """The threshold ("image" or "pixel") of a category's best F1, else the run's, else None."""
        own = self.categories[category].metrics.thresholds.get(kind)
        return own if own is not None else self.thresholds.get(kind)

    @property
    def scale(self) -> tuple[float, float]:
        """The ends of the colours of every overlay: from what is usual in a picture to what is high here."""
        low = float(np.median([row["map_median"] for row in self.scores]))
        high = float(np.quantile([row["score"] for row in self.scores], 0.95))
        return low, max(high, low + 1e-6)

    def rows(self) -> dict[str, Values]:
        """Metrics and "mad" of each category, of its defects as "category/defect", and last of the "mean"."""
        rows = {}
        for name, result in self.categories.items():
            rows[name] = _values(result.metrics)
            rows |= {f"{name}/{defect}": _values(part) for defect, part in result.defects.items()}
        return {**rows, "mean": _values(self.mean)}

    def intervals(self) -> dict[str, dict[str, tuple[float, float]]]:
        """The 95 % interval of each metric, per category and for their "mean"; empty without a bootstrap."""
        drawn = {name: result.bootstrap for name, result in self.categories.items() if result.resamples}
        if not drawn:
            return {}
        return {
            name: _intervals(samples) for name, samples in {**drawn, "mean": mean_bootstrap(drawn)}.items()
        }


def write_evaluation(evaluation: Evaluation, run: Path) -> None:
    """Leave metrics.csv, metrics.json and scores.csv in the run."""
    folder = run / FOLDER
    rows, intervals = evaluation.rows(), evaluation.intervals()
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("category")
    for metric in next(iter(intervals.values()), {}):
        table[f"{metric}_low"] = [intervals.get(name, {}).get(metric, (None, None))[0] for name in rows]
        table[f"{metric}_high"] = [intervals.get(name, {}).get(metric, (None, None))[1] for name in rows]
    for name in CONDITIONS:
        table[name] = evaluation.settings[name]
    table.to_csv(folder / "metrics.csv")
    pd.DataFrame(evaluation.scores).to_csv(folder / "scores.csv", index=False)
    content = {
        "schema": SCHEMA,
        "settings": evaluation.settings,
        "thresholds": evaluation.thresholds,
        "scale": evaluation.scale,
        "rows": rows,
        "intervals": intervals,
        "categories": {name: asdict(result) for name, result in evaluation.categories.items()},
    }
    write_json(folder / "metrics.json", content)


def read_evaluation(run: Path) -> Evaluation:
    """The last evaluation of a run.

    Raises:
        RunError: it has not been evaluated, or the file is damaged.
    """
    path = run / FOLDER / "metrics.json"
    if not path.is_file():
        raise RunError(f"run {run.name} has no evaluation yet", f"mambaad eval {run.name}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        categories = {name: CategoryResult.from_json(part) for name, part in content["categories"].items()}
        return Evaluation(content["settings"], categories)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"the evaluation {path} is damaged: {error}", f"mambaad eval {run.name}") from error


def reported_results(dataset: str, categories: list[str]) -> tuple[dict[str, Values], dict[str, str]]:
    """What papers and benchmarks report for a dataset: for these categories, and for the mean of all.

    Returns:
        "[category: ]method budget" -> metrics as fractions, and -> where that is printed; empty for a
        dataset nobody reports on. The budget is "paper" (its own), or the epochs of a benchmark ("100e").
    """
    table = pd.read_csv(REPORTED)
    known = table[(table.dataset == dataset) & table.category.isin([*categories, "mean"])]
    metrics = known.columns[3:10]
    rows: dict[str, Values] = {}
    sources: dict[str, str] = {}
    for _, row in known.iterrows():
        values: Values = {name: None if pd.isna(row[name]) else float(row[name]) / 100 for name in metrics}
        complete = [value for value in values.values() if value is not None]
        mad = sum(complete) / len(complete) if len(complete) == len(metrics) else None
        where = "" if row.category == "mean" else f"{row.category}: "
        name = f"{where}{row.method} {row.budget}"
        rows[name], sources[name] = {**values, "mad": mad}, row.source
    return rows, sources


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write aside and rename, so that `path` is never half a file."""
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)


def _values(metrics: CategoryMetrics) -> Values:
    return {**metrics.values, "mad": metrics.mad}


def _intervals(samples: Bootstrap) -> dict[str, tuple[float, float]]:
    found = {name: samples.interval(name) for name in samples.samples}
    return {name: interval for name, interval in found.items() if interval is not None}
