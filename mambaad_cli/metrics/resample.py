"""The metrics of many weightings of the same pictures, from one sort of their pixels.

How many pixels each picture has at and between the thresholds is kept as sparse matrices; all resamples walk
down the thresholds abreast, each with its own weights. Neighbouring scores of a picture with no threshold
between them share an entry, so there are far fewer entries than pixels.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit
from scipy import sparse

from mambaad_cli.metrics.ranking import Array, Integers, distinct
from mambaad_cli.metrics.regions import DefectPixels


def resampled_metrics(
    pixels: DefectPixels, normal: Iterable[Array], weights: Integers, fpr_limit: float
) -> Array:
    """AUROC, average precision, F1-max and AUPRO of each of m resamples (4, m); NaN without normal pixels.

    Args:
        pixels: the anomalous pixels of n pictures.
        normal: per picture, in order, the scores of its normal pixels (sorted in place).
        weights: (m, n) how often each resample draws each picture; every resample draws a defect.
        fpr_limit: as in `aupro`.
    """
    thresholds, index = distinct(pixels.scores)
    picture = pixels.picture[pixels.region]
    m, n = weights.shape
    hits = sparse.csr_array((np.ones(len(index)), (index, picture)), (len(thresholds), n))
    shares = sparse.csr_array((pixels.share, (index, picture)), (len(thresholds), n))
    counts = _normal_counts(thresholds, normal)
    draws = np.ascontiguousarray(weights.T, float)
    positives = hits.sum(axis=0) @ draws
    regions = shares.sum(axis=0) @ draws
    negatives = counts.sum(axis=0) @ draws
    negatives[negatives == 0] = np.nan
    sums = np.zeros((4, m))
    _walk(
        (hits.indptr, hits.indices, hits.data, shares.data),
        (counts.indptr, counts.indices, counts.data),
        draws,
        positives,
        negatives,
        fpr_limit,
        sums,
    )
    values: Array = sums / np.stack([positives * negatives, positives, np.ones(m), regions * fpr_limit])
    values[:, np.isnan(negatives)] = np.nan
    return values


def _normal_counts(thresholds: Array, normal: Iterable[Array]) -> sparse.csr_array:
    """Count the normal pixels of each of n pictures above and at each of K thresholds.

    Returns:
        (2K + 1, n): row 2k holds the scores above threshold k and below the one before, row 2k + 1 those
        equal to threshold k, the last row those below all.
    """
    rising = np.ascontiguousarray(thresholds[::-1])
    last = 2 * len(thresholds)
    rows: list[Array] = []
    counts: list[Array] = []
    for scores in normal:
        scores.sort()
        reached = np.searchsorted(rising, scores, side="right")
        row = last - 2 * reached + (rising[reached - 1] == scores)
        first = np.flatnonzero(np.diff(row, prepend=-1))
        rows.append(row[first].astype(np.int32))
        counts.append(np.diff(first, append=len(row)).astype(np.int32))
    starts = np.cumsum([0, *map(len, rows)])
    columns = sparse.csc_array((np.concatenate(counts), np.concatenate(rows), starts), (last + 1, len(rows)))
    return columns.tocsr()


def _add_plain(total: Array, weights: Array, picture: Array, amount: Array, first: int, last: int) -> None:
    """Add the entries first..last of a sparse matrix, each with the weights of its picture, to total (m,)."""
    for i in range(first, last):
        for draw in range(len(total)):
            total[draw] += weights[picture[i], draw] * amount[i]


_add = njit(nogil=True)(_add_plain)


def _walk_plain(
    hits: tuple[Array, Array, Array, Array],
    normal: tuple[Array, Array, Array],
    weights: Array,
    positives: Array,
    negatives: Array,
    fpr_limit: float,
    sums: Array,
) -> None:
    """Go down the thresholds with m resamples abreast: the formulas of `ranking` and `aupro`, with weights.

    Args:
        hits: rows, pictures, counts and shares of the anomalous pixels (K rows).
        normal: rows, pictures and counts of the normal pixels (as from `_normal_counts`).
        weights: (n, m) float; positives, negatives: (m,) pixels of each resample.
        sums: (4, m) zeros; becomes the sums of AUROC, average precision and AUPRO, and the largest F1.
    """
    hit_row, hit_picture, hit_count, hit_share = hits
    row, picture, count = normal
    above, equal, hit, share, found = np.zeros((5, len(positives)))
    for k in range(len(hit_row) - 1):
        equal[:] = 0
        hit[:] = 0
        share[:] = 0
        _add(above, weights, picture, count, row[2 * k], row[2 * k + 1])
        _add(equal, weights, picture, count, row[2 * k + 1], row[2 * k + 2])
        _add(hit, weights, hit_picture, hit_count, hit_row[k], hit_row[k + 1])
        _add(share, weights, hit_picture, hit_share, hit_row[k], hit_row[k + 1])
        for draw in range(len(positives)):
            found[draw] += hit[draw]
            called = found[draw] + above[draw] + equal[draw]
            start = min(above[draw] / negatives[draw], fpr_limit)
            end = min((above[draw] + equal[draw]) / negatives[draw], fpr_limit)
            rise = max(equal[draw], 1) / negatives[draw]
            sums[0, draw] += hit[draw] * (negatives[draw] - above[draw] - equal[draw] / 2)
            sums[1, draw] += hit[draw] * found[draw] / max(called, 1)
            sums[2, draw] = max(sums[2, draw], 2 * found[draw] / (called + positives[draw]))
            sums[3, draw] += share[draw] * ((end - start) ** 2 / (2 * rise) + fpr_limit - end)
            above[draw] += equal[draw]


_walk = njit(nogil=True, error_model="numpy")(_walk_plain)
