"""AUROC, average precision and F1-max, exact, from one sort.

All three depend only on how the negatives lie among the distinct scores of the positives:
between two of those scores a falling threshold adds false positives alone, which moves no term of AUROC
or average precision and can only lower F1. So a `Ranking` has one entry per distinct positive score, and the
other samples, nearly all of the pixels, need only be sorted and counted. Nothing is interpolated or binned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """How positives and negatives rank, at the K distinct scores of the positives, highest first.

    A sample is called positive when its score >= threshold.

    Attributes:
        thresholds: (K,) the distinct scores of the positives, falling.
        hits: (K,) number of positives with exactly this score.
        above: (K,) number of negatives with a higher score.
        equal: (K,) number of negatives with exactly this score.
        positives: number of all positives, at least 1.
        negatives: number of all negatives, at least 1.
    """

    thresholds: Array
    hits: Integers
    above: Integers
    equal: Integers
    positives: int
    negatives: int


def distinct(scores: Array) -> tuple[Array, Integers]:
    """The distinct values of `scores` (n,), falling, and for each score the index of its value (n,)."""
    values, index = np.unique(scores, return_inverse=True)
    return values[::-1], len(values) - 1 - index


def rank_blocks(positives: Array, blocks: Iterable[Array]) -> tuple[Ranking, Integers]:
    """Rank samples that come in blocks, each small enough to be sorted in memory.

    Args:
        positives: (P,) the scores of the positives, at least one.
        blocks: the scores of all samples, positives too, in pieces of any length; they are sorted in place.

    Returns:
        The ranking, and for each positive the index of its threshold (P,).
    """
    thresholds, index = distinct(positives)
    above = np.zeros(len(thresholds), np.int64)
    reached = np.zeros(len(thresholds), np.int64)
    total = 0
    for block in blocks:
        block.sort()
        above += len(block) - np.searchsorted(block, thresholds, side="right")
        reached += len(block) - np.searchsorted(block, thresholds, side="left")
        total += len(block)
    hits = np.bincount(index)
    found = np.cumsum(hits)
    ranking = Ranking(
        thresholds,
        hits,
        above=above - (found - hits),
        equal=reached - above - hits,
        positives=len(positives),
        negatives=total - len(positives),
    )
    return ranking, index


def rank(scores: Array, labels: Array) -> Ranking:
    """Rank samples by score.

    Args:
        scores: (n,) finite, higher is more anomalous.
        labels: (n,) 0 or 1 (or bool), with at least one of each.
    """
    ranking, _ = rank_blocks(scores[np.asarray(labels).astype(bool)], [scores.copy()])
    return ranking


def auroc(ranking: Ranking) -> float:
    """Area under the ROC curve: the chance that a positive outranks a negative, a tie counting one half.

        AUROC = sum_k hits_k (2 below_k + equal_k) / (2 P N)

    The sum is in integers, so only the last division rounds. Not a partial and not a smoothed area.
    """
    below = ranking.negatives - ranking.above - ranking.equal
    twice = int(ranking.hits @ (2 * below + ranking.equal))
    return twice / (2 * ranking.positives * ranking.negatives)


def average_precision(ranking: Ranking) -> float:
    """Average precision, step-wise as in scikit-learn: not the trapezoid under the precision-recall curve.

    AP = sum_k (recall_k - recall_{k-1}) precision_k
    """
    found = np.cumsum(ranking.hits)
    precision = found / (found + ranking.above + ranking.equal)
    return float(ranking.hits @ precision) / ranking.positives


def f1_max(ranking: Ranking) -> tuple[float, float]:
    """The largest F1 over all thresholds, and the highest threshold that reaches it (score >= threshold).

    F1 = 2 TP / (TP + FP + P)
    """
    found = np.cumsum(ranking.hits)
    f1 = 2 * found / (found + ranking.above + ranking.equal + ranking.positives)
    best = int(np.argmax(f1))
    return float(f1[best]), float(ranking.thresholds[best])
