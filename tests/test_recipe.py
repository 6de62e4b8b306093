"""Recipes: the published defaults, overrides, and errors that name the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mambaad_cli.errors import RecipeError, UsageError
from mambaad_cli.recipe import Recipe, load_recipe, load_words, make_recipe, recipe_names, setting_names


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_loads_and_begins_with_the_command_that_runs_it(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    from mambaad_cli.recipe import recipes_folder

    first = (recipes_folder() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# mambaad ")
    assert name in first


def test_the_mvtec_recipe_is_the_papers() -> None:
    recipe = load_recipe("mvtec")
    assert recipe.train.epochs == 500
    assert recipe.train.batch_size == 16
    assert (recipe.optim.lr, recipe.optim.weight_decay, recipe.optim.clip) == (0.005, 1e-4, 5.0)
    assert (recipe.optim.decay_at, recipe.optim.decay_factor, recipe.optim.loss_weight) == (0.8, 0.1, 5.0)
    assert (recipe.model.encoder, recipe.model.depths) == ("resnet34.bt_in1k", (3, 4, 6, 3))
    assert (recipe.model.scan, recipe.model.directions, recipe.model.kernels) == ("hilbert", 8, (5, 7))
    assert (recipe.data.image_size, recipe.score.sigma) == (256, 4.0)


def test_yaml_round_trip() -> None:
    recipe = load_recipe("mvtec", ["data.categories=screw,grid", "model.scan=zigzag", "seed=7"])
    import yaml

    assert make_recipe(yaml.safe_load(recipe.to_yaml()), "text") == recipe


def test_overrides_win_and_values_may_hold_equal_signs(tmp_path: Path) -> None:
    recipe = load_recipe("mvtec", ["train.epochs=3", "data.dataset=folder:a=b", "data.categories=[screw]"])
    assert recipe.train.epochs == 3
    assert recipe.data.dataset == "folder:a=b"
    assert recipe.data.categories == ["screw"]


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
        ("name.inner=1", "unknown setting"),
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


def test_unknown_recipes_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"did you mean mvtec\?"):
        load_recipe("mvtek")
    with pytest.raises(RecipeError, match="no recipe file"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("train: [", encoding="utf-8")
    with pytest.raises(RecipeError, match="not valid YAML"):
        load_recipe(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1", encoding="utf-8")
    with pytest.raises(RecipeError, match="must be a mapping"):
        load_recipe(tmp_path / "list.yaml")
    with pytest.raises(UsageError, match="one recipe at a time"):
        load_words(["mvtec", "visa"])


def test_setting_names_are_the_keys_of_the_recipe() -> None:
    recipe = Recipe().model_dump()
    for name in setting_names():
        section, _, leaf = name.partition(".")
        assert leaf in recipe[section] if leaf else section in recipe
