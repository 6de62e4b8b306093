"""The published protocol against truths worked out by hand, and against its rule word by word."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc

from mambaad_cli.metrics.scores import category_metrics


def published(maps, masks, **options):
    masks = np.asarray(masks, bool)
    labels = masks.any((1, 2)).astype(int)
    maps = np.asarray(maps, np.float32)
    return category_metrics(maps, masks, labels, maps.max((1, 2)), protocol="published", **options)


def test_f1_max_by_hand():
    # Scores 0..4 become 0, 0.25, 0.5, 0.75, 1. Strictly above 0.5: one anomalous pixel of two, one normal.
    maps = [[[0, 2, 3, 4, 1]]]
    masks = [[[0, 1, 0, 1, 0]]]
    result = published(maps, masks, metrics=["pixel_f1max"])
    # above 0.45 (but not above 0.5): 2 found, 1 false -> F1 = 4/5; the best, up to the level 0.45
    assert result.values["pixel_f1max"] == pytest.approx(4 / 5)
    assert result.thresholds["pixel"] == pytest.approx(0.45 * 4)


def test_f1_max_is_strict_at_the_level():
    # One anomalous pixel at 0 is above no level, although the score separates the pixels perfectly below it.
    result = published([[[0, 1, 1, 1]]], [[[1, 0, 0, 0]]], metrics=["pixel_f1max"])
    assert result.values["pixel_f1max"] == 0.0


def test_f1_max_misses_what_lies_between_two_levels():
    maps = [[[0, 0.51, 0.54, 1]]]
    masks = [[[0, 0, 1, 1]]]
    coarse = published(maps, masks, metrics=["pixel_f1max"]).values["pixel_f1max"]
    labels, scores = np.array([1]), np.array([1.0])
    exact = category_metrics(np.array(maps), np.array(masks), labels, scores, metrics=["pixel_f1max"])
    assert coarse == pytest.approx(4 / 5)
    assert exact.values["pixel_f1max"] == 1.0


def test_aupro_by_hand():
    # Ten normal pixels and two regions of one pixel each, scores in hundredths of the range 0..1:
    #   level  < 10: rate 3/10, not kept (the limit is 0.3 and the comparison strict)
    #   10 <= level < 20: rate 2/10, both regions found: overlap 1
    #   20 <= level < 40: rate 2/10, one region: overlap 1/2
    #   40 <= level < 60: rate 1/10, overlap 1/2
    #   60 <= level     : rate 1/10, overlap 0
    # Rates 1/10..2/10 are stretched to 0..1: one trapezoid between overlaps 1/2 and 1/2.
    normal = [0.0] * 7 + [0.105, 0.405, 1.0]
    maps = np.array([[[*normal[:5], 0.605, *normal[5:], 0.205]]])
    masks = np.zeros((1, 1, 12), bool)
    masks[0, 0, [5, 11]] = True
    assert published(maps, masks, metrics=["pixel_aupro"]).values["pixel_aupro"] == pytest.approx(0.5)


def test_aupro_without_two_rates_below_the_limit_is_empty():
    maps = [[[1, 1, 1, 1, 0, 2]]]
    masks = [[[0, 0, 0, 0, 0, 1]]]
    result = published(maps, masks)
    assert result.values["pixel_aupro"] is None
    assert result.notes["pixel_aupro"].startswith("fewer than two of the 100 thresholds")
    assert result.values["pixel_auroc"] == 1.0


def test_constant_maps_cannot_be_normalised():
    result = published(np.full((2, 3, 3), 0.5), [np.zeros((3, 3)), np.eye(3)])
    assert result.values["pixel_f1max"] is None
    assert result.values["pixel_aupro"] is None
    assert "cannot be normalised" in result.notes["pixel_f1max"]
    assert result.values["pixel_auroc"] == 0.5
    assert set(result.thresholds) == {"image"}


def test_image_labels_come_from_the_masks():
    maps = np.zeros((3, 4, 4), np.float32)
    maps[:, 0, 0] = [1, 3, 2]
    masks = np.zeros((3, 4, 4), bool)
    masks[2, 0, 0] = True
    labels = np.array([0, 1, 1])  # the defect of picture 1 has no pixel
    scores = maps.max((1, 2))
    by_mask = category_metrics(maps, masks, labels, scores, protocol="published").values["image_auroc"]
    by_label = category_metrics(maps, masks, labels, scores).values["image_auroc"]
    assert by_mask == 0.5
    assert by_label == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_rule_word_by_word(make_category, seed):
    maps, masks, labels, scores = make_category(seed, n=5, size=10, levels=10_000)
    masks[4] = False  # counts as a normal picture, with all its pixels
    result = category_metrics(maps, masks, labels, scores, protocol="published", connectivity=4)

    unit = (maps - maps.min()) / (maps.max() - maps.min())
    f1 = []
    for step in range(21):
        called = unit > 0.05 * step
        f1.append(2 * np.sum(called & masks) / (np.sum(called) + np.sum(masks)))
    assert result.values["pixel_f1max"] == pytest.approx(max(f1), abs=1e-12)

    regions = []
    for picture in (1, 2, 3):
        left = {(int(y), int(x)) for y, x in zip(*np.nonzero(masks[picture]), strict=True)}
        while left:
            region, border = set(), {left.pop()}
            while border:
                region |= border
                border = {(y + a, x + b) for y, x in border for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))}
                border &= left
                left -= border
            regions.append([(picture, *pixel) for pixel in region])
    rates, overlaps = [], []
    for step in range(100):
        called = maps > maps.min() + step * (float(maps.max()) - float(maps.min())) / 100
        rates.append(np.mean(called[~masks]))
        overlaps.append(np.mean([np.mean([called[pixel] for pixel in region]) for region in regions]))
    rates, overlaps = np.array(rates), np.array(overlaps)
    kept = rates < 0.3
    x = (rates[kept] - rates[kept].min()) / (rates[kept].max() - rates[kept].min())
    assert result.values["pixel_aupro"] == pytest.approx(auc(x, overlaps[kept]), abs=1e-12)
