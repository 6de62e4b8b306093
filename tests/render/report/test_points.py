"""The points of the curves are among scikit-learn's and hold the areas of the exact metrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from mambaad_cli.metrics.ranking import rank
from mambaad_cli.metrics.regions import aupro, rank_pixels
from mambaad_cli.render.report import points


@some.composite
def samples(draw):
    size = draw(some.integers(4, 60))
    scores = np.array(draw(some.lists(some.integers(0, 12), min_size=size, max_size=size)), float)
    labels = np.array(draw(some.lists(some.booleans(), min_size=size, max_size=size)), int)
    labels[:2] = 0, 1
    return scores, labels


@given(samples())
@settings(max_examples=60, deadline=None)
def test_roc(sample) -> None:
    scores, labels = sample
    curve = points.roc_curve(rank(scores, labels))
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    x, y, _ = roc_curve(labels, scores, drop_intermediate=False)
    theirs = set(zip(x.round(9), y.round(9), strict=True))
    assert set(zip(curve.x.round(9), curve.y.round(9), strict=True)) <= theirs


@given(samples())
@settings(max_examples=60, deadline=None)
def test_precision_and_recall(sample) -> None:
    scores, labels = sample
    curve = points.pr_curve(rank(scores, labels))
    area = np.diff(curve.x) @ curve.y[1:]
    assert area == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    precision, recall, _ = precision_recall_curve(labels, scores)
    theirs = set(zip(recall.round(9), precision.round(9), strict=True))
    assert set(zip(curve.x[1:].round(9), curve.y[1:].round(9), strict=True)) <= theirs


def test_pro_holds_the_area_of_aupro() -> None:
    rng = np.random.default_rng(5)
    maps = rng.integers(0, 20, (3, 12, 12)) / 20
    masks = np.zeros(maps.shape, bool)
    masks[0, 2:5, 2:5] = masks[0, 8:11, 6:12] = masks[2, 0:3, 9:12] = True
    pixels = rank_pixels(maps, masks, range(3))
    curve = points.pro_curve(pixels)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(aupro(pixels, fpr_limit=1.0), abs=1e-12)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == pytest.approx((0, 0, 1, 1))


def test_long_curves_are_thinned_without_losing_their_shape() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 20_000)
    scores = labels + rng.normal(size=len(labels))
    curve = points.roc_curve(rank(scores, labels))
    assert len(curve.x) <= points.POINTS
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
