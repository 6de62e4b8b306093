"""Recipes as files: what those that come along say, how one is found, overridden and copied."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mambaad_cli.engine.optimization import rate_share
from mambaad_cli.errors import RecipeError, UsageError
from mambaad_cli.recipe import (
    Recipe,
    copy_recipe,
    load_recipe,
    load_words,
    make_recipe,
    recipe_names,
    recipe_purpose,
    recipes_folder,
)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_loads_and_begins_with_the_command_that_runs_it(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
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


@pytest.mark.parametrize("dataset", ["mvtec", "visa", "real_iad", "uni_medical"])
def test_published_recipes_differ_from_the_papers_only_in_the_epochs(dataset: str) -> None:
    paper, released = load_recipe(dataset), load_recipe(f"published-{dataset}")
    assert (paper.train.epochs, released.train.epochs) == (500, 1000)
    assert released.model_copy(update={"name": paper.name, "train": paper.train}) == paper


@pytest.mark.parametrize("name", recipe_names())
def test_the_list_of_recipes_fits_80_columns(name: str) -> None:
    assert recipe_purpose(name)
    assert len(name) <= 34
    assert len(recipe_purpose(name)) <= 45


def test_ablations_of_the_scan_are_table_5() -> None:
    """The rows of the paper's table 5: curves, and directions in all; row 7 is the recipe mvtec."""
    rows = {
        *((method, 8) for method in ("sweep", "scan", "zorder", "zigzag")),
        *(("hilbert", directions) for directions in (2, 4, 8)),
        *((f"{method}+hilbert", 8) for method in ("zigzag", "zorder", "scan", "sweep")),
        ("scan+zorder+zigzag+hilbert", 8),
    }
    names = ["mvtec", *(name for name in recipe_names() if name.startswith("ablation/scan-"))]
    found = [(recipe.model.scan, recipe.model.directions) for recipe in map(load_recipe, names)]
    assert sorted(found) == sorted(rows)


def test_ablations_change_nothing_but_the_network() -> None:
    paper = load_recipe("mvtec")
    for name in recipe_names():
        if name.startswith("ablation/"):
            recipe = load_recipe(name)
            assert recipe.model != paper.model
            assert recipe.model_copy(update={"name": paper.name, "model": paper.model}) == paper


@pytest.mark.parametrize("epochs", [10, 500])
def test_the_rate_drops_at_a_share_of_the_epochs_that_were_asked_for(epochs: int) -> None:
    recipe = load_recipe("mvtec", [f"train.epochs={epochs}"])
    steps = 226 * recipe.train.epochs
    rates = [rate_share(step, steps, recipe.optim) for step in range(steps)]
    assert rates.index(pytest.approx(0.1)) == 226 * epochs * 4 // 5


def test_yaml_round_trip() -> None:
    recipe = load_recipe("mvtec", ["data.categories=screw,grid", "model.scan=zigzag", "seed=7"])
    assert make_recipe(yaml.safe_load(recipe.to_yaml()), "text") == recipe


def test_overrides_win_and_values_may_hold_equal_signs(tmp_path: Path) -> None:
    recipe = load_recipe("mvtec", ["train.epochs=3", "data.dataset=folder:a=b", "data.categories=[screw]"])
    assert recipe.train.epochs == 3
    assert recipe.data.dataset == "folder:a=b"
    assert recipe.data.categories == ["screw"]


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


def test_a_file_that_says_nothing_is_no_recipe(tmp_path: Path) -> None:
    for text in ("", "# only a comment\n"):
        (tmp_path / "empty.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(RecipeError, match=r"empty\.yaml is empty"):
            load_recipe(tmp_path / "empty.yaml")


def test_a_section_whose_settings_are_commented_out_has_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("train:\n  # epochs: 7\n", encoding="utf-8")
    recipe = load_recipe(tmp_path / "mine.yaml", ["train.batch_size=4"])
    assert (recipe.train.epochs, recipe.train.batch_size, recipe.name) == (Recipe().train.epochs, 4, "mine")


def test_a_key_that_stands_twice_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("train:\n  epochs: 5\n  epochs: 6\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"line 3.*'epochs' stands twice"):
        load_recipe(tmp_path / "twice.yaml")


@pytest.mark.parametrize("value", ["1e-3", "1.0e-3", "0.001", ".001", "1E-03"])
def test_numbers_as_people_write_them(tmp_path: Path, value: str) -> None:
    (tmp_path / "mine.yaml").write_text(f"optim:\n  lr: {value}\n", encoding="utf-8")
    assert load_recipe(tmp_path / "mine.yaml").optim.lr == 0.001
    assert load_recipe("mvtec", [f"optim.lr={value}"]).optim.lr == 0.001


def test_categories_and_names_that_look_like_numbers_stay_text() -> None:
    recipe = load_recipe("btad", ["data.categories=01", "name=2024"])
    assert (recipe.data.categories, recipe.name) == (["01"], "2024")
    assert load_recipe("btad", ["data.categories=[01, 03]"]).data.categories == ["01", "03"]
    assert load_recipe("btad", ["data.categories=01,03"]).data.categories == ["01", "03"]
    # A reader of YAML 1.1, to whom a bare 01 is one, finds the same in what is written.
    assert yaml.safe_load(recipe.to_yaml())["data"]["categories"] == ["01"]


def test_a_copy_has_the_comments_and_is_the_same_recipe(tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    copy_recipe("ablation/scan-zigzag", target)
    assert target.read_text(encoding="utf-8").startswith("# mambaad train ablation/scan-zigzag")
    assert load_recipe(target) == load_recipe("ablation/scan-zigzag")
