"""Each resample equals the metrics of the pictures it draws, repeated for real."""

from __future__ import annotations

import numpy as np
import pytest

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.metrics import IMAGE_METRICS, METRICS, PIXEL_METRICS, PROTOCOLS
from mambaad_cli.metrics.bootstrap import Bootstrap, bootstrap, draw, mean_bootstrap
from mambaad_cli.metrics.inputs import Category
from mambaad_cli.metrics.scores import category_metrics


def assert_resamples_equal_repeated_pictures(category, protocol="exact", n=8):
    weights = draw(Category.checked(*category), n, seed=3)
    samples = bootstrap(*category, n=n, seed=3, protocol=protocol, connectivity=4, fpr_limit=0.4).samples
    for i, weight in enumerate(weights):
        pictures = np.repeat(np.arange(len(weight)), weight)
        repeated = (array[pictures] for array in category)
        truth = category_metrics(*repeated, protocol=protocol, connectivity=4, fpr_limit=0.4)
        for name in METRICS:
            assert samples[name][i] == pytest.approx(truth.values[name], abs=1e-12), name
        assert samples["mad"][i] == pytest.approx(truth.mad, abs=1e-12)


@pytest.mark.parametrize("levels", [3, 1000])
def test_exact_protocol(make_category, levels):
    assert_resamples_equal_repeated_pictures(make_category(n=9, levels=levels))


def test_an_empty_mask_is_left_out(make_category):
    category = make_category(n=9)
    category.masks[5] = False
    assert_resamples_equal_repeated_pictures(category)


def test_published_protocol(make_category):
    category = make_category(n=9)
    category.maps[:, -1, -1] = 2  # every picture holds the extremes, so every resample has the same grid
    category.maps[:, -1, -2] = -1
    assert_resamples_equal_repeated_pictures(category, "published")


def test_resamples_keep_the_number_of_normal_and_of_anomalous_pictures(make_category):
    category = Category.checked(*make_category(n=30))
    weights = draw(category, 500, seed=0)
    assert (weights[:, ~category.anomalous].sum(1) == 10).all()
    assert (weights[:, category.anomalous].sum(1) == 20).all()
    assert weights.mean(0) == pytest.approx(np.ones(30), abs=0.2)
    assert weights.var(0) == pytest.approx(np.repeat([0.9, 0.95], [10, 20]), abs=0.35)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_seed_decides(make_category, protocol):
    category = make_category()
    one, same, other = (bootstrap(*category, n=20, seed=s, protocol=protocol).samples for s in (1, 1, (1, 2)))
    for name in METRICS:
        np.testing.assert_array_equal(one[name], same[name])
    assert (one["mad"] != other["mad"]).any()


def test_interval():
    result = Bootstrap({"mad": np.append(np.arange(101) / 100, np.nan)})
    assert result.interval("mad", 0.9) == (pytest.approx(0.05), pytest.approx(0.95))
    assert result.interval("pixel_ap") is None
    assert Bootstrap({"mad": np.array([np.nan])}).interval("mad") is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Image AUROC of two normal populations is known: count how often the 80 % interval holds it."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 40)
    blank = np.zeros((80, 1, 2), bool)
    truth = 0.7602499389  # Phi(1 / sqrt 2)
    held = 0
    for seed in range(100):
        scores = rng.normal(size=80) + labels
        result = bootstrap(blank * 1.0, blank, labels, scores, n=200, seed=seed, metrics=["image_auroc"])
        low, high = result.interval("image_auroc", 0.8)
        held += low <= truth <= high
    assert 68 <= held <= 92


def test_metrics_without_a_value_are_missing(make_category):
    maps, masks, labels, scores = make_category()
    assert set(bootstrap(maps, masks & False, labels, scores, n=2).samples) == set(IMAGE_METRICS)
    assert set(bootstrap(maps * np.nan, masks, labels, scores, n=2).samples) == set(IMAGE_METRICS)
    anomalous = (array[2:] for array in (maps, masks, labels, scores))
    assert set(bootstrap(*anomalous, n=2).samples) == set(PIXEL_METRICS)


def test_a_resample_without_normal_pixels_has_no_pixel_metrics(make_category):
    maps, masks, labels, scores = (array[2:4] for array in make_category())
    masks[0] = True
    samples = bootstrap(maps, masks, labels, scores, n=30, metrics=PIXEL_METRICS).samples
    without = draw(Category.checked(maps, masks, labels, scores), 30, 0)[:, 1] == 0
    assert without.any()
    np.testing.assert_array_equal(np.isnan(samples["pixel_auroc"]), without)


def test_constant_maps_of_the_published_protocol(make_category):
    maps, masks, labels, scores = make_category()
    result = bootstrap(maps * 0, masks, labels, scores, n=3, protocol="published")
    missing = {name for name in (*METRICS, "mad") if result.interval(name) is None}
    assert missing == {"pixel_f1max", "pixel_aupro", "mad"}


def test_mean_over_categories():
    one = Bootstrap({name: np.array([0.0, 0.5]) for name in METRICS})
    two = Bootstrap({name: np.array([1.0, 0.5]) for name in METRICS if name != "pixel_ap"})
    mean = mean_bootstrap({"one": one, "two": two})
    assert mean.samples["image_ap"].tolist() == [0.5, 0.5]
    assert mean.samples["pixel_ap"].tolist() == [0.0, 0.5]
    assert mean.samples["mad"] == pytest.approx([3 / 7, 0.5])


def test_bad_input(make_category):
    maps, masks, labels, scores = make_category()
    with pytest.raises(UsageError, match="0 resamples"):
        bootstrap(maps, masks, labels, scores, n=0)
    with pytest.raises(DataError, match="5 maps, 6 masks"):
        bootstrap(maps[:5], masks, labels, scores)
