"""Evaluation: what is written agrees with itself, with scikit-learn, and survives an interruption."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from mambaad_cli import Detector
from mambaad_cli.data.images import read_mask
from mambaad_cli.engine import evaluation as room
from mambaad_cli.engine import results as room_results
from mambaad_cli.metrics import METRICS


def test_tables_agree_with_scikit_learn_on_the_detectors_own_maps(
    trained: Path, parts: Path, mambaad: Callable[..., Any]
) -> None:
    outcome = mambaad("eval", trained, "--json")
    assert outcome.code == 0, outcome.err
    rows = outcome.json["rows"]
    scores = pd.read_csv(trained / "eval" / "scores.csv")
    assert len(scores) == 10
    detector = Detector.load(trained)
    for category in ("bolt", "nut"):
        own = scores[scores.category == category]
        assert rows[category]["image_auroc"] == pytest.approx(roc_auc_score(own.label, own.score))
        assert rows[category]["image_ap"] == pytest.approx(average_precision_score(own.label, own.score))
        maps, again = detector.predict([parts / image for image in own.image])
        np.testing.assert_allclose(again, own.score, rtol=1e-5)
        masks = []
        for image in own.image:
            mask = parts / image.replace("test", "ground_truth").replace(".png", "_mask.png")
            masks.append(read_mask(mask if mask.exists() else None, detector.size))
        truth = np.stack(masks).ravel()
        assert rows[category]["pixel_auroc"] == pytest.approx(roc_auc_score(truth, maps.ravel()), abs=1e-5)
    for metric in METRICS:
        mean = np.mean([rows["bolt"][metric], rows["nut"][metric]])
        assert rows["mean"][metric] == pytest.approx(mean)
    assert rows["mean"]["mad"] == pytest.approx(np.mean([rows["mean"][metric] for metric in METRICS]))
    table = pd.read_csv(trained / "eval" / "metrics.csv", index_col="category")
    assert list(table.index) == ["bolt", "nut", "mean"]
    assert list(table.columns[:8]) == [*METRICS, "mad"]
    assert (table.protocol == "exact").all()
    assert (table.fpr_limit == 0.3).all()
    assert table.loc["nut", "pixel_aupro"] == rows["nut"]["pixel_aupro"]
    assert sorted(path.name for path in (trained / "eval").iterdir()) == [
        "metrics.csv",
        "metrics.json",
        "scores.csv",
    ]


def test_the_table_names_what_the_numbers_depend_on(trained: Path, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("eval")
    assert trained.name in outcome.out
    for word in ("epoch 2", "exact protocol", "64 px", "percent", "sigma 1", "FPR 0.3", "> 0.5"):
        assert word in outcome.out.replace("\n", " ")
    settings = json.loads((trained / "eval" / "metrics.json").read_text())["settings"]
    assert settings["smoothing_sigma"] == 1.0
    assert settings["fpr_limit"] == 0.3


def test_a_choice_of_metrics_and_categories(trained: Path, mambaad: Callable[..., Any]) -> None:
    rows = mambaad("eval", "--metrics", "image_auroc,pixel_ap", "--classes", "nut", "--json").json["rows"]
    assert list(rows) == ["nut", "mean"]
    assert list(rows["nut"]) == ["image_auroc", "pixel_ap", "mad"]
    assert rows["nut"]["mad"] is None


def test_an_interrupted_evaluation_goes_on_with_the_next_category(
    trained: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = mambaad("eval", "--json").json["rows"]
    shutil.rmtree(trained / "eval")
    work, seen = room._look, []

    def stop_at_second(*arguments: Any) -> Any:
        seen.append(arguments[2][0].category)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return work(*arguments)

    monkeypatch.setattr(room, "_look", stop_at_second)
    assert mambaad("eval").code == 130
    resumed = mambaad("eval", "--json")
    assert seen == ["bolt", "nut", "nut"]
    assert resumed.json["rows"] == whole


def test_bad_input_is_named(trained: Path, parts: Path, mambaad: Callable[..., Any]) -> None:
    unknown = mambaad("eval", "--metrics", "image_aurok")
    assert unknown.code == 2
    assert "image_aurok" in unknown.err
    assert mambaad("eval", "--classes", "nutt").code == 2
    assert mambaad("eval", "--protocol", "loose").code == 2
    nobody = mambaad("eval", "tinny")
    assert nobody.code == 4
    assert "no run 'tinny'" in nobody.err
    (parts / "nut" / "test" / "good" / "001.png").write_bytes(b"")
    broken = mambaad("eval")
    assert broken.code == 3
    assert "001.png" in broken.err


def test_a_category_without_defects_has_no_value_and_says_why(
    tiny: Path, parts: Path, mambaad: Callable[..., Any]
) -> None:
    shutil.rmtree(parts / "nut" / "test" / "scratch")
    shutil.rmtree(parts / "nut" / "ground_truth")
    mambaad("train", tiny, "train.epochs=1", "-q")
    outcome = mambaad("eval", "--json")
    assert outcome.code == 0, outcome.err
    rows = outcome.json["rows"]
    assert rows["nut"]["image_auroc"] is None
    assert rows["mean"]["image_auroc"] == rows["bolt"]["image_auroc"]
    assert "nut, image_auroc:" in outcome.err


def test_no_run_and_no_checkpoint(trained: Path, mambaad: Callable[..., Any]) -> None:
    (trained / "checkpoints" / "last.pt").write_bytes(b"torn")
    damaged = mambaad("eval")
    assert damaged.code == 4
    assert "is damaged" in damaged.err
    (trained / "checkpoints" / "last.pt").unlink()
    assert "no checkpoint yet" in mambaad("eval").err
    shutil.rmtree("runs")
    nothing = mambaad("eval")
    assert nothing.code == 4
    assert "mambaad train" in nothing.err


def test_a_checkpoint_of_another_recipe_is_refused(trained: Path, mambaad: Callable[..., Any]) -> None:
    recipe = trained / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("expand: 2", "expand: 1"))
    outcome = mambaad("eval")
    assert outcome.code == 4
    assert "another recipe" in outcome.err


def test_by_defect_takes_each_type_against_the_normal_pictures(
    trained: Path, mambaad: Callable[..., Any]
) -> None:
    rows = mambaad("eval", "--by", "defect", "--json").json["rows"]
    assert list(rows) == ["bolt", "bolt/scratch", "nut", "nut/scratch", "mean"]
    # There is one defect type: on its own it is the whole category.
    assert rows["bolt/scratch"] == rows["bolt"]


def test_bootstrap_gives_an_interval_around_each_number(trained: Path, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("eval", "--bootstrap", "50", "--json")
    assert outcome.code == 0, outcome.err
    for name, found in outcome.json["intervals"].items():
        for metric, (low, high) in found.items():
            assert low <= outcome.json["rows"][name][metric] <= high or metric.endswith("f1max"), (
                name,
                metric,
            )
    table = pd.read_csv(trained / "eval" / "metrics.csv", index_col="category")
    assert table.loc["mean", "mad_low"] == outcome.json["intervals"]["mean"]["mad"][0]


def test_compare_sets_reported_numbers_beside_ours(trained: Path, mambaad: Callable[..., Any]) -> None:
    assert "nobody reports" in mambaad("eval", "--compare").err
    rows, sources = room_results.reported_results("mvtec", ["screw"])
    paper = rows["MambaAD paper"]
    assert sources["MambaAD paper"] == "MambaAD paper Table 1"
    assert set(sources) == set(rows)
    assert (paper["image_auroc"], paper["pixel_aupro"]) == pytest.approx((0.986, 0.931))
    assert paper["mad"] == pytest.approx(0.860, abs=5e-4)
    assert rows["screw: MambaAD paper"]["pixel_ap"] == pytest.approx(0.498)
