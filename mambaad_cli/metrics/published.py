"""F1-max and AUPRO of the pixels on the coarse grids behind the published tables (see docs/metrics.md).

The maps of a category are min-max normalised together and cut at the levels 0, 1/100 .. 99/100; a pixel is
positive when it is strictly above the level. F1 takes every fifth level, which with the level 1 that nothing
exceeds are the 21 thresholds 0, 0.05 .. 1; AUPRO takes all 100. AUROC and average precision of the
published tables are exact and need nothing from here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mambaad_cli.metrics.ranking import Array
from mambaad_cli.metrics.regions import label_regions

LEVELS = np.arange(100) / 100
F1_STEP = 5


@dataclass(frozen=True)
class GridCounts:
    """What each of n pictures has strictly above each of the 100 levels.

    Attributes:
        low, high: smallest and largest score of the category; level x stands for low + x (high - low).
        found: (n, 100) anomalous pixels above the level.
        false: (n, 100) normal pixels above the level.
        overlap: (n, 100) sum over the picture's regions of the share of the region above the level.
        positives, negatives, regions: (n,) anomalous pixels, normal pixels and regions of the picture.
    """

    low: float
    high: float
    found: Array
    false: Array
    overlap: Array
    positives: Array
    negatives: Array
    regions: Array


def count_on_grid(maps: Array, masks: Array, connectivity: int = 8) -> GridCounts:
    """Count n pictures on the grid.

    Args:
        maps: (n, H, W) finite, possibly memory-mapped: read picture by picture, twice.
        masks: (n, H, W) bool, with pixels of both kinds.
        connectivity: 8 or 4, as in `label_regions`.
    """
    low = min(anomaly_map.min() for anomaly_map in maps)
    high = max(anomaly_map.max() for anomaly_map in maps)
    found, false, overlap = np.zeros((3, len(maps), len(LEVELS)))
    regions = np.zeros(len(maps), np.int64)
    span = (high - low) or 1
    for picture, (anomaly_map, mask) in enumerate(zip(maps, masks, strict=True)):
        exceeded = np.searchsorted(LEVELS, (anomaly_map - low) / span, side="left")
        false[picture] = _above(exceeded[~mask])
        if mask.any():
            region, regions[picture] = label_regions(mask, connectivity)
            found[picture] = _above(exceeded[mask])
            overlap[picture] = _above(exceeded[mask], 1 / np.bincount(region)[region])
    positives = np.array([mask.sum() for mask in masks])
    return GridCounts(
        float(low), float(high), found, false, overlap, positives, masks[0].size - positives, regions
    )


def grid_f1_max(counts: GridCounts, weights: Array) -> tuple[float, float]:
    """The largest F1 on the 21 thresholds, and the highest one that reaches it (score > threshold).

    A lower bound of the true maximum. `weights` (n,) says how often each picture counts.
    """
    found = (weights @ counts.found)[::F1_STEP]
    false = (weights @ counts.false)[::F1_STEP]
    f1 = 2 * found / (found + false + weights @ counts.positives)
    best = int(np.flatnonzero(f1 == f1.max())[-1])
    level = float(LEVELS[::F1_STEP][best])
    return float(f1[best]), counts.low + level * (counts.high - counts.low)


def grid_aupro(counts: GridCounts, weights: Array, fpr_limit: float = 0.3) -> float | None:
    """Area under (false-positive rate, overlap) at those of the 100 levels whose rate is below the limit.

    The kept rates are stretched to 0..1 by their own minimum and maximum, so the area depends on which
    rates the grid happens to meet. None when fewer than two different rates are below the limit.
    `weights` (n,) says how often each picture counts.
    """
    rate = weights @ counts.false / (weights @ counts.negatives)
    overlap = weights @ counts.overlap / (weights @ counts.regions)
    kept = rate < fpr_limit
    x, y = rate[kept], overlap[kept]
    if len(np.unique(x)) < 2:
        return None
    return float(np.sum((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2) / (x[0] - x[-1]))


def _above(exceeded: Array, weights: Array | None = None) -> Array:
    """The (weighted) number of pixels above each level, from how many levels each pixel exceeds."""
    counts = np.bincount(exceeded, weights, minlength=len(LEVELS) + 1)
    return np.cumsum(counts[::-1])[::-1][1:]
