"""The metrics of a category: right together, empty with a reason where undefined, bounded in memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.metrics import IMAGE_METRICS, METRICS, PIXEL_METRICS, PROTOCOLS, regions
from mambaad_cli.metrics.scores import CategoryMetrics, category_metrics, mean_metrics


def f1_at(labels, called):
    return 2 * np.sum(labels & called) / (np.sum(labels) + np.sum(called))


def test_the_seven_of_a_category(make_category):
    category = make_category(n=9, size=20)
    result = category_metrics(*category)
    flat, truth = category.maps.ravel(), category.masks.ravel()
    assert tuple(result.values) == METRICS
    assert not result.notes
    for name, labels, scores in [
        ("image", category.labels == 1, category.scores),
        ("pixel", truth, flat),
    ]:
        assert result.values[f"{name}_auroc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
        assert result.values[f"{name}_ap"] == pytest.approx(
            average_precision_score(labels, scores), abs=1e-12
        )
        every_f1 = [f1_at(labels, scores >= threshold) for threshold in np.unique(scores)]
        assert result.values[f"{name}_f1max"] == pytest.approx(max(every_f1), abs=1e-12)
        assert f1_at(labels, scores >= result.thresholds[name]) == pytest.approx(max(every_f1), abs=1e-12)
    assert result.mad == pytest.approx(np.mean(list(result.values.values())))


def test_a_perfect_detector():
    masks = np.zeros((3, 8, 8), bool)
    masks[2, 2:5, 2:6] = True
    for protocol in PROTOCOLS:
        result = category_metrics(
            masks.astype(np.float32), masks, np.array([0, 0, 1]), np.array([0, 0, 1.0]), protocol=protocol
        )
        exact = dict.fromkeys(METRICS, 1.0)
        if protocol == "published":  # all thresholds meet one false-positive rate: no area
            exact["pixel_aupro"] = None
        assert result.values == exact


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_what_is_asked_for(make_category, protocol):
    category = make_category()
    whole = category_metrics(*category, protocol=protocol)
    some = category_metrics(*category, metrics=["pixel_ap", "image_auroc"], protocol=protocol)
    assert some.values == {name: whole.values[name] for name in ("image_auroc", "pixel_ap")}
    assert not some.thresholds
    assert some.mad is None
    assert category_metrics(*category, metrics="pixel_f1max", protocol=protocol).thresholds == {
        "pixel": whole.thresholds["pixel"]
    }


def test_masks_of_0_and_255_and_memory_mapped_maps(make_category, tmp_path):
    category = make_category()
    np.save(tmp_path / "maps.npy", category.maps)
    mapped = np.load(tmp_path / "maps.npy", mmap_mode="r")
    masks = category.masks.astype(np.uint8) * 255
    assert category_metrics(mapped, masks, category.labels, category.scores) == category_metrics(*category)


def test_the_maps_are_not_changed(make_category):
    category = make_category()
    before = category.maps.copy()
    category_metrics(*category)
    np.testing.assert_array_equal(category.maps, before)


def expect_reason(result, names, reason):
    assert result.mad is None
    for name in METRICS:
        assert (result.values[name] is None) == (name in names)
        assert (name in result.notes) == (name in names)
    for name in names:
        assert reason in result.notes[name]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_anomalous_pictures(make_category, protocol):
    maps, masks, labels, scores = make_category()
    result = category_metrics(maps, masks & False, labels * 0, scores, protocol=protocol)
    expect_reason(result, METRICS, "no anomalous pictures")
    assert not result.thresholds


def test_no_normal_pictures(make_category):
    maps, masks, labels, scores = (array[2:] for array in make_category())
    result = category_metrics(maps, masks, labels, scores)
    expect_reason(result, IMAGE_METRICS, "no normal pictures")


def test_empty_masks(make_category):
    maps, masks, labels, scores = make_category()
    result = category_metrics(maps, masks & False, labels, scores)
    expect_reason(result, PIXEL_METRICS, "every mask is empty")


def test_masks_without_normal_pixels(make_category):
    maps, masks, labels, scores = (array[2:] for array in make_category())
    result = category_metrics(maps, masks | True, labels, scores, metrics=PIXEL_METRICS)
    assert set(result.values.values()) == {None}
    assert set(result.notes.values()) == {"no normal pixels"}


def test_one_empty_mask_is_left_out_of_the_pixel_metrics_and_noted(make_category):
    maps, masks, labels, scores = make_category()
    masks[4] = False
    result = category_metrics(maps, masks, labels, scores)
    rest = np.array([0, 1, 2, 3, 5])
    without = category_metrics(maps[rest], masks[rest], labels[rest], scores[rest])
    for name in PIXEL_METRICS:
        assert result.values[name] == without.values[name]
        assert result.notes[name] == "without 1 of 6 pictures: anomalous, but the mask is empty"
    assert not set(IMAGE_METRICS) & set(result.notes)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_maps_that_are_not_finite(make_category, bad, protocol):
    category = make_category()
    category.maps[3, 5, 5] = bad
    category.maps[5, 0, 0] = bad
    result = category_metrics(*category, protocol=protocol)
    expect_reason(result, PIXEL_METRICS, "2 of 6 maps hold NaN or infinity (first: picture 3)")


def test_image_scores_that_are_not_finite(make_category):
    category = make_category()
    category.scores[1] = np.nan
    result = category_metrics(*category)
    expect_reason(result, IMAGE_METRICS, "1 of 6 image scores hold NaN or infinity (first: picture 1)")


def test_fewer_maps_than_masks(make_category):
    maps, masks, labels, scores = make_category()
    with pytest.raises(DataError, match="4 maps, 6 masks, 6 labels and 6 image scores"):
        category_metrics(maps[:4], masks, labels, scores)
    with pytest.raises(DataError, match="6 maps, 6 masks, 6 labels and 5 image scores"):
        category_metrics(maps, masks, labels, scores[:5])


def test_arrays_that_do_not_fit(make_category):
    maps, masks, labels, scores = make_category()
    with pytest.raises(DataError, match=r"\(6, 12, 12\), \(6, 12, 11\)"):
        category_metrics(maps, masks[:, :, :11], labels, scores)
    with pytest.raises(DataError, match=r"expected maps and masks \(n, H, W\)"):
        category_metrics(maps[:, None], masks[:, None], labels, scores)
    with pytest.raises(DataError, match="neither 0"):
        category_metrics(maps, masks, labels + 1, scores)
    with pytest.raises(DataError, match="picture 2 is labelled normal"):
        category_metrics(maps, masks, labels * 0, scores)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"metrics": ["pixel_auroc", "pixel_pro"]}, "unknown metric: pixel_pro"),
        ({"protocol": "ader"}, "unknown protocol: ader"),
        ({"fpr_limit": 0.0}, "FPR limit"),
        ({"fpr_limit": 1.1}, "FPR limit"),
        ({"connectivity": 6}, "connectivity"),
    ],
)
def test_options_that_do_not_exist(make_category, option, message):
    with pytest.raises(UsageError, match=message) as error:
        category_metrics(*make_category(), **option)
    assert error.value.hint


def test_mean_over_categories():
    one = CategoryMetrics(dict.fromkeys(METRICS, 0.5))
    two = CategoryMetrics(dict.fromkeys(METRICS, 1.0) | {"pixel_ap": None}, notes={"pixel_ap": "why"})
    none = CategoryMetrics(dict.fromkeys(METRICS))
    mean = mean_metrics({"one": one, "two": two})
    assert mean.values == dict.fromkeys(METRICS, 0.75) | {"pixel_ap": 0.5}
    assert mean.notes == {"pixel_ap": "1 of 2 categories, without two"}
    assert mean.mad == pytest.approx((6 * 0.75 + 0.5) / 7)
    assert two.mad is None
    nothing = mean_metrics({"none": none})
    assert nothing.values == none.values
    assert nothing.mad is None
    assert mean_metrics({}).values == {}


def test_memory_does_not_grow_with_the_normal_pictures(monkeypatch, tmp_path):
    """Four times the pictures, the same peak: what is held grows with the defects only."""
    monkeypatch.setattr(regions, "BLOCK", 1 << 14)

    def peak(n):
        path = tmp_path / f"{n}.npy"
        np.save(path, np.random.default_rng(n).random((n, 64, 64)).astype(np.float32))
        masks = np.zeros((n, 64, 64), bool)
        masks[0, :8, :8] = True
        labels = (np.arange(n) == 0).astype(int)
        maps = np.load(path, mmap_mode="r")
        tracemalloc.start()
        category_metrics(maps, masks, labels, labels * 1.0)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(20)
    small, large = peak(100), peak(400)
    assert large < small + 4 * 64 * 64
    assert large < 400 * 64 * 64


def test_the_names_are_cheap_to_import():
    code = (
        "import sys, mambaad_cli.metrics; print([m for m in ('numpy','scipy','numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_metrics_need_no_torch():
    code = "import sys, mambaad_cli.metrics.scores; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
