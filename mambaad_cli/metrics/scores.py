"""All metrics of one category, and their mean over categories; a metric that has no value says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from mambaad_cli.metrics import IMAGE_METRICS, METRICS, PIXEL_METRICS
from mambaad_cli.metrics.inputs import Category, check_options
from mambaad_cli.metrics.published import count_on_grid, grid_aupro, grid_f1_max
from mambaad_cli.metrics.ranking import Array, Ranking, auroc, average_precision, f1_max, rank
from mambaad_cli.metrics.regions import aupro, rank_pixels


@dataclass(frozen=True)
class CategoryMetrics:
    """The metrics of one category, or their mean over categories.

    Attributes:
        values: fraction 0..1 per requested metric; None where it is not defined.
        thresholds: "image" and "pixel": the score that gives the best F1; a picture or a pixel counts as
            anomalous at score >= threshold (a pixel of the published protocol: score > threshold).
        notes: per metric, why it has no value, or what it leaves out.
    """

    values: dict[str, float | None]
    thresholds: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def mad(self) -> float | None:
        """Mean of the seven metrics; None unless all seven have a value."""
        seven = [value for name in METRICS if (value := self.values.get(name)) is not None]
        return sum(seven) / len(METRICS) if len(seven) == len(METRICS) else None


def category_metrics(
    maps: Array,
    masks: Array,
    labels: Array,
    image_scores: Array,
    *,
    metrics: Iterable[str] = METRICS,
    protocol: str = "exact",
    fpr_limit: float = 0.3,
    connectivity: int = 8,
) -> CategoryMetrics:
    """Compute the metrics of one category of n pictures.

    Args:
        maps: (n, H, W) anomaly maps, higher is more anomalous; may be memory-mapped, read picture by picture.
        masks: (n, H, W) bool or 0/1, nonzero on the defect.
        labels: (n,) 0 normal, 1 anomalous. The published protocol goes by the masks instead.
        image_scores: (n,) one score per picture.
        metrics: names out of `METRICS`; the maps are left alone when only image metrics are asked for.
        protocol: one of `PROTOCOLS`.
        fpr_limit: false-positive rate up to which AUPRO integrates, in (0, 1].
        connectivity: 8 or 4, for the regions of AUPRO.

    An anomalous picture with an empty mask has no pixel truth: it is left out of the exact pixel metrics,
    and a note says so.

    Raises:
        DataError: the arrays do not fit together.
        UsageError: an unknown metric, protocol, limit or connectivity.
    """
    wanted = check_options(metrics, protocol, fpr_limit, connectivity)
    category = Category.checked(maps, masks, labels, image_scores)
    if protocol == "published":
        category = category.labelled_by_mask()
    parts = []
    if any(name in IMAGE_METRICS for name in wanted):
        parts.append(_image_metrics(category))
    if any(name in PIXEL_METRICS for name in wanted):
        parts.append(_pixel_metrics(category, protocol, fpr_limit, connectivity))
    return _select(wanted, parts)


def mean_metrics(categories: Mapping[str, CategoryMetrics]) -> CategoryMetrics:
    """The plain mean over categories, per metric; its `mad` is the mean of the seven means.

    A category without a value is left out of that metric's mean, and a note names it.
    """
    names = dict.fromkeys(name for result in categories.values() for name in result.values)
    values: dict[str, float | None] = {}
    notes: dict[str, str] = {}
    for name in names:
        known = [value for result in categories.values() if (value := result.values.get(name)) is not None]
        missing = [key for key, result in categories.items() if result.values.get(name) is None]
        values[name] = sum(known) / len(known) if known else None
        if missing:
            notes[name] = f"{len(known)} of {len(categories)} categories, without {', '.join(missing)}"
    return CategoryMetrics(values, notes=notes)


def _image_metrics(category: Category) -> CategoryMetrics:
    if reason := category.no_image_metrics():
        return _without_value(IMAGE_METRICS, reason)
    return _ranking_metrics("image", rank(category.scores, category.anomalous))


def _pixel_metrics(category: Category, protocol: str, fpr_limit: float, connectivity: int) -> CategoryMetrics:
    if reason := category.no_pixel_metrics():
        return _without_value(PIXEL_METRICS, reason)
    pictures = category.pictures
    pixels = rank_pixels(category.maps, category.masks, pictures, connectivity)
    exact = _ranking_metrics("pixel", pixels.ranking)
    if protocol == "published":
        return _on_grid(exact, category, fpr_limit, connectivity)
    left_out = len(category) - len(pictures)
    note = f"without {left_out} of {len(category)} pictures: anomalous, but the mask is empty"
    return CategoryMetrics(
        exact.values | {"pixel_aupro": aupro(pixels, fpr_limit)},
        exact.thresholds,
        dict.fromkeys(PIXEL_METRICS, note) if left_out else {},
    )


def _on_grid(
    exact: CategoryMetrics, category: Category, fpr_limit: float, connectivity: int
) -> CategoryMetrics:
    """The exact pixel metrics with F1-max and AUPRO replaced by their published form."""
    counts = count_on_grid(category.maps, category.masks, connectivity)
    if counts.low == counts.high:
        reason = "the maps hold one value only: they cannot be normalised"
        missing = _without_value(("pixel_f1max", "pixel_aupro"), reason)
        return CategoryMetrics(exact.values | missing.values, notes=missing.notes)
    once = np.ones(len(category))
    best, threshold = grid_f1_max(counts, once)
    area = grid_aupro(counts, once, fpr_limit)
    reason = f"fewer than two of the 100 thresholds have a false-positive rate below {fpr_limit:g}"
    return CategoryMetrics(
        exact.values | {"pixel_f1max": best, "pixel_aupro": area},
        {"pixel": threshold},
        {"pixel_aupro": reason} if area is None else {},
    )


def _ranking_metrics(level: str, ranking: Ranking) -> CategoryMetrics:
    """AUROC, AP and F1-max of the `level` "image" or "pixel"."""
    best, threshold = f1_max(ranking)
    values: dict[str, float | None] = {
        f"{level}_auroc": auroc(ranking),
        f"{level}_ap": average_precision(ranking),
        f"{level}_f1max": best,
    }
    return CategoryMetrics(values, {level: threshold})


def _without_value(names: Iterable[str], reason: str) -> CategoryMetrics:
    """No value for any of `names`, all for one reason."""
    names = tuple(names)
    return CategoryMetrics(dict.fromkeys(names), notes=dict.fromkeys(names, reason))


def _select(wanted: Iterable[str], parts: Iterable[CategoryMetrics]) -> CategoryMetrics:
    """The wanted metrics of several results as one."""
    values: dict[str, float | None] = {}
    thresholds: dict[str, float] = {}
    notes: dict[str, str] = {}
    for part in parts:
        values |= part.values
        thresholds |= part.thresholds
        notes |= part.notes
    return CategoryMetrics(
        {name: values[name] for name in wanted},
        {name: value for name, value in thresholds.items() if f"{name}_f1max" in wanted},
        {name: notes[name] for name in wanted if name in notes},
    )
