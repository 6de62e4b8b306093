"""AUPRO against a slow, independent implementation, and the regions it averages over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mambaad_cli.metrics import regions
from mambaad_cli.metrics.ranking import auroc
from mambaad_cli.metrics.regions import aupro, label_regions, rank_pixels


def flood(mask, connectivity):
    """The regions of a mask as sets of pixels, by flooding."""
    steps = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    if connectivity == 8:
        steps += [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    left = set(zip(*map(np.ndarray.tolist, np.nonzero(mask)), strict=True))
    found = []
    while left:
        region, open_pixels = set(), [left.pop()]
        while open_pixels:
            y, x = open_pixels.pop()
            region.add((y, x))
            near = {(y + dy, x + dx) for dy, dx in steps} & left
            left -= near
            open_pixels += near
        found.append(region)
    return found


def slow_aupro(maps, masks, limit, connectivity):
    """The definition word by word: a threshold at every distinct score, trapezoids, the last one cut."""
    pieces = [
        maps[picture][tuple(np.transpose(sorted(region)))]
        for picture, mask in enumerate(masks)
        for region in flood(mask, connectivity)
    ]
    normal = maps[~masks]
    x, y = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        x.append(float(np.mean(normal >= threshold)))
        y.append(float(np.mean([np.mean(piece >= threshold) for piece in pieces])))
    area = 0.0
    for left, right, low, high in zip(x, x[1:], y, y[1:], strict=False):
        if left >= limit:
            break
        if right > limit:
            high = low + (high - low) * (limit - left) / (right - left)
            right = limit
        area += (right - left) * (low + high) / 2
    return area / limit


def exact_aupro(maps, masks, limit=0.3, connectivity=8):
    return aupro(rank_pixels(maps, masks, range(len(maps)), connectivity), limit)


@st.composite
def pictures(draw):
    shape = (draw(st.integers(1, 3)), draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    few = st.sampled_from([0.0, 0.5, 1.0])
    values = draw(st.sampled_from([few, st.floats(-1, 1, width=32), st.just(0.25)]))
    maps = draw(hnp.arrays(np.float32, shape, elements=values))
    masks = draw(hnp.arrays(bool, shape))
    masks[0, 0, :2] = [True, False]
    return maps, masks


@settings(max_examples=150, deadline=None)
@given(pictures(), st.sampled_from([0.01, 0.3, 0.77, 1.0]), st.sampled_from([4, 8]))
def test_equals_the_slow_implementation(category, limit, connectivity):
    assert exact_aupro(*category, limit, connectivity) == pytest.approx(
        slow_aupro(*category, limit, connectivity), abs=1e-9
    )


@pytest.mark.parametrize("connectivity", [4, 8])
def test_thousands_of_regions(connectivity):
    rng = np.random.default_rng(0)
    masks = np.zeros((2, 128, 128), bool)
    masks[:, ::2, ::2] = True
    masks[0, 1::4, 1::4] = True
    maps = (rng.integers(0, 20, masks.shape) + 4 * masks).astype(np.float32)
    assert sum(label_regions(mask, connectivity)[1] for mask in masks) > 5000
    assert exact_aupro(maps, masks, 0.3, connectivity) == pytest.approx(
        slow_aupro(maps, masks, 0.3, connectivity), abs=1e-9
    )


@pytest.mark.parametrize(
    "region",
    [np.s_[0, :], np.s_[:, -1], np.s_[5:, 5:], np.s_[0, 0], np.s_[:7, :]],
    ids=["top edge", "right edge", "corner", "one pixel", "nearly all"],
)
def test_regions_at_the_border(region):
    rng = np.random.default_rng(1)
    masks = np.zeros((2, 8, 8), bool)
    masks[(1, *region)] = True
    maps = (rng.random((2, 8, 8)) + 0.2 * masks).astype(np.float32)
    assert exact_aupro(maps, masks) == pytest.approx(slow_aupro(maps, masks, 0.3, 8), abs=1e-9)


def test_one_region_and_no_limit_is_auroc():
    rng = np.random.default_rng(2)
    masks = np.zeros((3, 16, 16), bool)
    masks[1, 3:9, 4:12] = True
    maps = (rng.integers(0, 30, masks.shape) + 5 * masks).astype(np.float32)
    pixels = rank_pixels(maps, masks, range(3))
    assert aupro(pixels, 1.0) == pytest.approx(auroc(pixels.ranking), abs=1e-12)


def test_known_values():
    masks = np.zeros((1, 4, 5), bool)
    masks[0, 0, :2] = True
    masks[0, 3, 4] = True
    assert exact_aupro(masks.astype(np.float32), masks) == 1.0
    assert exact_aupro(1 - masks.astype(np.float32), masks) == 0.0
    assert exact_aupro(np.zeros((1, 4, 5), np.float32), masks) == pytest.approx(0.15)


def test_small_regions_weigh_as_much_as_large_ones():
    masks = np.zeros((1, 8, 8), bool)
    masks[0, :3, :6] = True
    masks[0, 7, 7] = True
    maps = np.zeros((1, 8, 8), np.float32)
    maps[0, 7, 7] = 1
    # The one pixel is found without any false positive, the large region only with all of them.
    assert exact_aupro(maps, masks, 0.3) == pytest.approx(0.5 + 0.5 * 0.15)


def test_diagonal_neighbours_join_with_8_and_part_with_4():
    mask = np.eye(5, dtype=bool)
    assert label_regions(mask, 8)[1] == 1
    assert label_regions(mask, 4)[1] == 5


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)), st.sampled_from([4, 8]))
def test_regions_equal_flooding(mask, connectivity):
    mask.flat[-1] = True
    region, count = label_regions(mask, connectivity)
    truth = flood(mask, connectivity)
    pixels = np.transpose(np.nonzero(mask)).tolist()
    found = [{tuple(p) for p, r in zip(pixels, region, strict=True) if r == k} for k in range(count)]
    assert sorted(map(sorted, found)) == sorted(map(sorted, truth))


def test_regions_do_not_join_across_pictures():
    masks = np.ones((3, 2, 2), bool)
    masks[:, 1, 1] = False
    maps = np.array([3.0, 2, 1], np.float32)[:, None, None] * masks
    assert exact_aupro(maps, masks) == pytest.approx(slow_aupro(maps, masks, 0.3, 8))
    assert rank_pixels(maps, masks, range(3)).overlap.tolist() == pytest.approx([1 / 3] * 3)


def test_blocks_give_the_same_numbers(make_category, monkeypatch):
    category = make_category(n=9)
    whole = rank_pixels(category.maps, category.masks, range(9))
    monkeypatch.setattr(regions, "BLOCK", 300)
    parts = rank_pixels(category.maps, category.masks, range(9))
    assert parts.ranking.negatives == whole.ranking.negatives
    np.testing.assert_array_equal(parts.ranking.above, whole.ranking.above)
    np.testing.assert_array_equal(parts.ranking.equal, whole.ranking.equal)
