"""The members of a sweep: which they are, and that all of them are right before the first begins."""

from __future__ import annotations

import pytest

from mambaad_cli.engine.grid import make_grid, split_values
from mambaad_cli.errors import RecipeError
from mambaad_cli.recipe import load_recipe, load_words, recipe_names


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2,3", ["1", "2", "3"]),
        ("hilbert", ["hilbert"]),
        ("[2,2,2,2],[3,4,6,3]", ["[2,2,2,2]", "[3,4,6,3]"]),
        ("[[1,2],3],{a: [4,5]},6", ["[[1,2],3]", "{a: [4,5]}", "6"]),
        ("'a,b',\"c,]\",d", ["'a,b'", '"c,]"', "d"]),
        ("1, 2", ["1", "2"]),
        ("1,,2", ["1", "", "2"]),
        ("", [""]),
    ],
)
def test_values_are_split_at_commas_outside_brackets(text: str, values: list[str]) -> None:
    assert split_values(text) == values


def test_all_combinations_the_last_setting_fastest() -> None:
    members = make_grid(["visa", "train.epochs=9"], ["model.scan=hilbert,zigzag", "seed=0,1"])
    assert [(m.recipe.model.scan, m.recipe.seed) for m in members] == [
        ("hilbert", 0),
        ("hilbert", 1),
        ("zigzag", 0),
        ("zigzag", 1),
    ]
    assert members[2].recipe == load_words(["visa", "train.epochs=9", "model.scan=zigzag", "seed=0"])
    assert members[2].values == {"model.scan": "zigzag", "seed": "0"}


def test_values_that_stand_twice_are_one_member() -> None:
    assert len(make_grid([], ["seed=0,1,0"])) == 2


def test_recipes_by_name_and_by_pattern() -> None:
    members = make_grid(["train.epochs=2"], ["recipe=mvtec,ablation/scan-*,ablation/scan-zigzag"])
    names = ["mvtec", *(name for name in recipe_names() if name.startswith("ablation/scan-"))]
    assert [member.recipe.name for member in members] == names
    assert all(member.recipe.train.epochs == 2 for member in members)
    assert members[0].recipe.model == load_recipe("mvtec").model


def test_everything_that_is_wrong_with_any_member_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        make_grid(
            ["optim.lr=-1"], ["model.scan=hilbrt,zigzag", "model.depths=[2,2,2,2],[3,5,6,3]", "seed=0,1"]
        )
    for part in ("optim.lr = -1", "did you mean hilbert?", "model.depths = [3, 5, 6, 3]"):
        assert caught.value.message.count(part) == 1
    assert "zigzag" not in caught.value.message.replace("sweep, scan, zorder, zigzag, hilbert", "")


@pytest.mark.parametrize(
    ("words", "sweep", "message"),
    [
        ([], "model.scn=hilbert", "did you mean model.scan?"),
        ([], "model=hilbert", "'model' is a section"),
        ([], "seed", "not KEY=VALUE,VALUE"),
        ([], "seed=", "not KEY=VALUE,VALUE"),
        ([], "seed=0,,1", "not KEY=VALUE,VALUE"),
        (["seed=5"], "seed=0,1", "both set to one value and swept"),
        (["visa"], "recipe=mvtec,mpdd", "both set to one value and swept"),
        ([], "recipe=mvtek", "did you mean mvtec?"),
        ([], "recipe=ablate/*", "no recipe matches"),
        ([], "model.scan=zigzag+hilbert,sweep+scan+zorder", "cannot share model.directions"),
    ],
)
def test_refusals(words: list[str], sweep: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        make_grid(words, [sweep])
    assert message in caught.value.message
    assert "--sweep" in (caught.value.hint or "")


def test_a_setting_is_swept_once() -> None:
    with pytest.raises(RecipeError, match="stands twice"):
        make_grid([], ["seed=0,1", "seed=2"])
