"""The points of ROC, precision-recall and PRO curves, from the same ranking as the exact metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mambaad_cli.metrics.ranking import Ranking
from mambaad_cli.metrics.regions import PixelRanking
from mambaad_cli.render.report.data import Curve

POINTS = 400
"""A curve with more points is thinned to about so many: more cannot be told apart on a screen."""


def roc_curve(ranking: Ranking) -> Curve:
    """Share of positives found (y) against share of negatives flagged (x), from (0, 0) to (1, 1)."""
    found = np.cumsum(ranking.hits) / ranking.positives
    return _staircase(ranking, found)


def pro_curve(pixels: PixelRanking) -> Curve:
    """Mean share of each region that is found (y) against share of normal pixels flagged (x)."""
    return _staircase(pixels.ranking, np.cumsum(pixels.overlap))


def pr_curve(ranking: Ranking) -> Curve:
    """Precision (y) against recall (x), one point per distinct positive score, from recall 0 on.

    Average precision is the area under steps that hold the precision of their right end.
    """
    found = np.cumsum(ranking.hits)
    precision = found / (found + ranking.above + ranking.equal)
    return _thin(np.r_[0.0, found / ranking.positives], np.r_[precision[0], precision])


def _staircase(ranking: Ranking, found: NDArray[np.floating[Any]]) -> Curve:
    """Rises only at the K distinct scores of the positives: a slope where negatives tie with them."""
    before = ranking.above / ranking.negatives
    after = (ranking.above + ranking.equal) / ranking.negatives
    x = np.column_stack([before, after]).ravel()
    y = np.column_stack([np.r_[0.0, found[:-1]], found]).ravel()
    return _thin(np.r_[0.0, x, 1.0], np.r_[0.0, y, 1.0])


def _thin(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> Curve:
    """Keep about POINTS points, evenly spaced along the curve, and both ends."""
    if len(x) > POINTS:
        way = np.r_[0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
        kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], POINTS)).clip(0, len(x) - 1))
        x, y = x[kept], y[kept]
    return Curve(x, y)
