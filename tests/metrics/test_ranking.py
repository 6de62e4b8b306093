"""AUROC, average precision and F1-max against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score

from mambaad_cli.metrics.ranking import auroc, average_precision, f1_max, rank, rank_blocks


def assert_same_as_scikit_learn(scores, labels):
    ranking = rank(scores, labels)
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    best, threshold = f1_max(ranking)
    assert auroc(ranking) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(ranking) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    assert best == pytest.approx(f1.max(), abs=1e-12)
    assert f1_score(labels, scores >= threshold) == pytest.approx(best, abs=1e-12)


@st.composite
def samples(draw, values):
    n = draw(st.integers(2, 60))
    scores = draw(hnp.arrays(np.float32, n, elements=values))
    labels = draw(hnp.arrays(bool, n))
    labels[:2] = [False, True]
    return scores, labels


any_float = st.floats(-(2.0**96), 2.0**96, width=32)
few_values = st.sampled_from([-1.5, -0.0, 0.0, 0.25, 3.0])


@settings(max_examples=150, deadline=None)
@given(samples(any_float) | samples(few_values))
def test_equals_scikit_learn(sample):
    assert_same_as_scikit_learn(*sample)


@pytest.mark.parametrize("positives", [1, 10, 19_990, 19_999])
def test_extreme_imbalance(positives):
    rng = np.random.default_rng(positives)
    labels = np.arange(20_000) < positives
    assert_same_as_scikit_learn((rng.normal(size=20_000) + labels).astype(np.float32), labels)


def test_heavy_ties():
    rng = np.random.default_rng(0)
    labels = rng.random(50_000) < 0.03
    assert_same_as_scikit_learn((rng.integers(0, 4, 50_000) + labels).astype(np.float32), labels)


def test_scores_that_differ_in_the_last_bit_are_not_tied():
    steps = np.arange(0x3F800000, 0x3F800000 + 4000, dtype=np.uint32).view(np.float32)
    labels = np.arange(4000) % 2 == 1
    ranking = rank(steps, labels)
    assert auroc(ranking) == 2001 / 4000
    assert not ranking.equal.any()
    assert_same_as_scikit_learn(steps, labels)


def test_constant_scores():
    labels = np.array([1, 0, 0, 0])
    ranking = rank(np.full(4, 0.7, np.float32), labels)
    assert auroc(ranking) == 0.5
    assert average_precision(ranking) == 0.25
    assert f1_max(ranking) == (0.4, pytest.approx(0.7))


def test_by_hand():
    ranking = rank(np.array([4.0, 3.0, 3.0, 2.0, 1.0]), np.array([1, 0, 1, 1, 0]))
    assert ranking.thresholds.tolist() == [4, 3, 2]
    assert ranking.hits.tolist() == [1, 1, 1]
    assert ranking.above.tolist() == [0, 0, 1]
    assert ranking.equal.tolist() == [0, 1, 0]
    assert auroc(ranking) == (2 + 1.5 + 1) / 6
    assert average_precision(ranking) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert f1_max(ranking) == (pytest.approx(6 / 7), 2.0)


def test_of_equal_f1_the_highest_threshold_is_taken():
    best, threshold = f1_max(rank(np.array([3.0, 2.0, 2.0, 1.0]), np.array([1, 0, 0, 1])))
    assert (best, threshold) == (pytest.approx(2 / 3), 3.0)


def test_the_division_into_blocks_does_not_matter():
    rng = np.random.default_rng(1)
    scores = rng.integers(0, 50, 1000).astype(np.float32)
    labels = rng.random(1000) < 0.2
    whole = rank(scores, labels)
    parts, index = rank_blocks(scores[labels], np.split(scores.copy(), [0, 7, 500]))
    np.testing.assert_array_equal(parts.above, whole.above)
    np.testing.assert_array_equal(parts.equal, whole.equal)
    assert parts.negatives == whole.negatives == np.sum(~labels)
    np.testing.assert_array_equal(parts.thresholds[index], scores[labels])


def test_the_scores_are_not_changed():
    scores = np.array([3.0, 1.0, 2.0])
    rank(scores, np.array([1, 0, 0]))
    assert scores.tolist() == [3, 1, 2]
