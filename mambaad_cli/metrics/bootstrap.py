"""How far the metrics would move with other pictures: confidence intervals by resampling.

Every count in a ranking is a sum over pictures, so drawing a picture twice is giving it the weight 2: see
`resample`. The pixels are sorted once for all resamples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mambaad_cli.errors import UsageError
from mambaad_cli.metrics import IMAGE_METRICS, METRICS, PIXEL_METRICS
from mambaad_cli.metrics.inputs import Category, check_options
from mambaad_cli.metrics.published import count_on_grid, grid_aupro, grid_f1_max
from mambaad_cli.metrics.ranking import Array, Integers
from mambaad_cli.metrics.regions import DefectPixels, defect_pixels
from mambaad_cli.metrics.resample import resampled_metrics


@dataclass(frozen=True)
class Bootstrap:
    """The metrics of n resamples.

    Attributes:
        samples: per metric its value in each resample (n,), NaN where a resample has none, and "mad" where
            all seven are there; a metric that the category does not have is missing.
    """

    samples: dict[str, Array]

    def interval(self, metric: str, level: float = 0.95) -> tuple[float, float] | None:
        """The percentile interval that holds `level` of the resamples; None where the metric is missing."""
        values = self.samples.get(metric, np.empty(0))
        values = values[~np.isnan(values)]
        if not len(values):
            return None
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def bootstrap(
    maps: Array,
    masks: Array,
    labels: Array,
    image_scores: Array,
    *,
    n: int = 1000,
    seed: int | Sequence[int] = 0,
    metrics: Iterable[str] = METRICS,
    protocol: str = "exact",
    fpr_limit: float = 0.3,
    connectivity: int = 8,
) -> Bootstrap:
    """Recompute the metrics of a category on n resamples of its pictures.

    Pictures are drawn with replacement, the normal ones and the anomalous ones each among themselves, so
    every resample has as many of both as the category. A region drawn twice counts as two. The published
    protocol keeps the minimum and maximum of the whole category for its grid.

    Args:
        n: number of resamples.
        seed: same seed, same resamples. Give each category its own where their mean is wanted, for example
            (seed, index of the category).

    The other arguments and the errors are those of `category_metrics`.
    """
    wanted = check_options(metrics, protocol, fpr_limit, connectivity)
    if n < 1:
        raise UsageError(f"a bootstrap of {n} resamples", "choose at least 1; 1000 is usual")
    category = Category.checked(maps, masks, labels, image_scores)
    if protocol == "published":
        category = category.labelled_by_mask()
    weights = draw(category, n, seed)
    samples: dict[str, Array] = {}
    if any(name in IMAGE_METRICS for name in wanted) and not category.no_image_metrics():
        samples |= _image_samples(category, weights)
    if any(name in PIXEL_METRICS for name in wanted) and not category.no_pixel_metrics():
        samples |= _pixel_samples(category, weights, fpr_limit, connectivity)
        if protocol == "published":
            samples |= _grid_samples(category, weights, fpr_limit, connectivity)
    return _with_mad({name: samples[name] for name in wanted if name in samples})


def mean_bootstrap(categories: Mapping[str, Bootstrap]) -> Bootstrap:
    """The resamples of `mean_metrics`: resample i of the mean is the mean of the categories' resamples i."""
    known = {name: [b.samples[name] for b in categories.values() if name in b.samples] for name in METRICS}
    return _with_mad({name: np.mean(columns, axis=0) for name, columns in known.items() if columns})


def draw(category: Category, n: int, seed: int | Sequence[int]) -> Integers:
    """How often each picture is drawn in each of n resamples (n, pictures).

    Normal pictures, anomalous ones, and anomalous ones with an empty mask are drawn among themselves.
    """
    rng = np.random.default_rng(seed)
    strata = category.anomalous.astype(int) + category.defect
    weights = np.zeros((n, len(category)), np.int64)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        share = np.full(len(members), 1 / len(members))
        weights[:, members] = rng.multinomial(len(members), share, size=n)
    return weights


def _with_mad(samples: dict[str, Array]) -> Bootstrap:
    if all(name in samples for name in METRICS):
        samples["mad"] = np.mean([samples[name] for name in METRICS], axis=0)
    return Bootstrap(samples)


def _image_samples(category: Category, weights: Integers) -> dict[str, Array]:
    """The image metrics of each resample: every picture is one pixel, every anomalous one a region."""
    picture = np.flatnonzero(category.anomalous)
    region = np.arange(len(picture))
    pixels = DefectPixels(category.scores[picture], region, np.ones(len(picture)), picture)
    normal = (category.scores[i : i + 1][~category.anomalous[i : i + 1]] for i in range(len(category)))
    values = resampled_metrics(pixels, normal, weights, fpr_limit=1.0)
    return dict(zip(IMAGE_METRICS, values, strict=False))


def _pixel_samples(
    category: Category, weights: Integers, fpr_limit: float, connectivity: int
) -> dict[str, Array]:
    """The exact pixel metrics of each resample."""
    maps, masks = category.maps, category.masks
    known = category.defect | ~category.anomalous
    pixels = defect_pixels(maps, masks, range(len(category)), connectivity)
    normal = (maps[i][~masks[i] & known[i]] for i in range(len(category)))
    return dict(zip(PIXEL_METRICS, resampled_metrics(pixels, normal, weights, fpr_limit), strict=True))


def _grid_samples(
    category: Category, weights: Integers, fpr_limit: float, connectivity: int
) -> dict[str, Array]:
    """The published pixel F1-max and AUPRO of each resample."""
    counts = count_on_grid(category.maps, category.masks, connectivity)
    if counts.low == counts.high:
        return dict.fromkeys(("pixel_f1max", "pixel_aupro"), np.full(len(weights), np.nan))
    f1 = [grid_f1_max(counts, w)[0] for w in weights]
    area = [grid_aupro(counts, w, fpr_limit) for w in weights]
    return {"pixel_f1max": np.array(f1), "pixel_aupro": np.array(area, float)}
