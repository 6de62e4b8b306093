"""What is wrong with settings is told: all at once, with the nearest names, and nothing that is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.errors import RecipeError
from mambaad_cli.recipe import Recipe, load_recipe, make_recipe, setting_names


def test_all_problems_at_once_with_the_nearest_names() -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("mvtec", ["train.epoch=3", "optim.lr=-1", "model.scan=hilbrt", "model.depths=[3,5,6,3]"])
    text = caught.value.message
    assert "unknown setting 'train.epoch' (did you mean train.epochs?)" in text
    assert "optim.lr = -1" in text
    assert "did you mean hilbert?" in text
    assert "model.depths" in text
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("train", "is not KEY=VALUE"),
        ("=3", "is not KEY=VALUE"),
        ("seed=[", "not valid YAML"),
        ("name.inner=1", r"unknown setting 'name.inner' \(did you mean name"),
        ("model.scan.deep=1", r"unknown setting 'model.scan.deep' \(did you mean model.scan\?"),
        ("modle.scan=sweep", r"did you mean model.scan\?"),
        ("train=5", r"'train' is a section, not a setting; it has train.epochs, train.batch_size"),
        ("train={epochs: 3}", "'train' is a section"),
        ("model.depths=[3,4]", r"model.depths = \[3, 4\]: too few values"),
        ("model.depths=5", "model.depths = 5"),
        ("model.kernels={a: 1}", "model.kernels"),
        ("optim.lr=.inf", "optim.lr = inf: Input should be a finite number"),
        ("optim.lr=fast", "optim.lr = 'fast'"),
        ("optim.lr=", "optim.lr = None"),
        ("name=../up", "name = '../up'"),
        ("data.categories={a: 1}", "data.categories = {'a': 1}: Input should be a valid list"),
        ("train.accumulate=3", "train.accumulate = 3 does not divide train.batch_size = 16"),
        ("train.patience=3", "set data.holdout"),
        ("model.scan=zigzag+hilbert+sweep", "cannot share model.directions = 8"),
        ("data.image_size=100", "multiple of 32"),
        ("model.directions=3", "model.directions"),
        ("model.kernels=[4]", "odd"),
        ("train.epochs=0", "train.epochs"),
        ("train.epochs=many", "train.epochs"),
    ],
)
def test_impossible_overrides(word: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe("mvtec", [word])


def problems_of(settings: dict[Any, Any]) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        make_recipe(settings, "mine.yaml")
    first, *lines = caught.value.message.splitlines()
    assert first == "mine.yaml has settings that cannot be used:"
    return [line.strip() for line in lines]


def test_what_does_not_fit_together_is_told_beside_what_is_wrong_alone() -> None:
    settings = {
        "seed": -1,
        "moddel": {"scan": "sweep"},
        "model": {"scan": "zigzag+hilbert", "directions": 2, "state": 0},
        "train": {"batch_size": 8, "accumulate": 3, "patience": 2, "epoch": 4},
    }
    told = "\n".join(problems_of(settings))
    for part in (
        "seed = -1",
        "'moddel' (did you mean model",
        "model.state = 0",
        "cannot share model.directions = 2",
        "accumulate = 3 does not divide train.batch_size = 8",
        "train.patience needs pictures",
        "'train.epoch' (did you mean train.epochs?)",
    ):
        assert told.count(part) == 1, part
    assert len(told.splitlines()) == 7


@pytest.mark.parametrize(
    "settings",
    [
        {"train": {"batch_size": "many", "accumulate": 3}},  # does not divide the default of 16
        {"data": {"holdout": 5}, "train": {"patience": 2}},  # patience without the default of 0 held back
        {"model": {"directions": 3, "scan": "sweep+scan+zorder"}},
    ],
)
def test_a_wrong_value_is_told_once_and_its_default_is_not_blamed(settings: dict[str, Any]) -> None:
    assert len(problems_of(settings)) == 1


@pytest.mark.parametrize("section", [5, "all", [1], True])
def test_a_section_that_is_something_else_is_named(section: Any) -> None:
    (told,) = problems_of({"train": section})
    assert told.startswith("'train' is a section, not a setting; it has train.epochs")


def test_keys_that_are_not_text_are_unknown_settings() -> None:
    told = problems_of({1: "x", "train": {2: 3, True: 4, None: 5, "epochs": 0}})
    assert len(told) == 5
    assert sum("unknown setting" in line for line in told) == 4


def test_problems_of_overrides_and_of_the_file_come_together(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("train: 5\noptim: {lr: -1}\n", encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(tmp_path / "mine.yaml", ["train.epochs=3", "seed", "sed=1"])
    for part in ("'train' is a section", "optim.lr = -1", "'seed' is not KEY=VALUE", "did you mean seed?"):
        assert part in caught.value.message


def test_setting_names_are_the_keys_of_the_recipe() -> None:
    recipe = Recipe().model_dump()
    for name in setting_names():
        section, _, leaf = name.partition(".")
        assert leaf in recipe[section] if leaf else section in recipe
