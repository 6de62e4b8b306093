"""The config command: recipes listed, shown and copied, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mambaad_cli.recipe import load_recipe, load_words, recipe_names, recipes_folder


def test_list_has_every_recipe_with_its_purpose(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("config", "list")
    lines = outcome.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    for name in recipe_names():
        (line,) = [line for line in lines if line.split()[0] == name]
        comment = (recipes_folder() / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[2]
        assert line.removeprefix(name).strip() == comment.removeprefix("# ")
    listed = mambaad("config", "list", "--json").json["recipes"]
    assert [row["name"] for row in listed] == recipe_names()
    assert mambaad("config", "list", "-q").out.split() == recipe_names()


@pytest.mark.parametrize("words", [[], ["visa"], ["mvtec", "model.scan=zigzag", "data.categories=[screw]"]])
def test_show_prints_the_recipe_that_train_would_use(words: list[str], mambaad: Callable[..., Any]) -> None:
    wanted = load_words(words).model_dump(mode="json")
    assert yaml.safe_load(mambaad("config", "show", *words).out) == wanted
    assert mambaad("config", "show", *words, "--json").json["recipe"] == wanted


def test_a_copy_can_be_edited_and_trained_from(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("config", "copy", "visa", "mine.yaml")
    assert outcome.code == 0
    assert outcome.out.strip() == "mine.yaml"
    assert "mambaad train mine.yaml" in outcome.err
    assert Path("mine.yaml").read_bytes() == (recipes_folder() / "visa.yaml").read_bytes()
    assert load_recipe("mine.yaml") == load_recipe("visa")


def test_a_copy_overwrites_only_when_told(mambaad: Callable[..., Any]) -> None:
    Path("mine.yaml").write_text("name: precious\n", encoding="utf-8")
    refused = mambaad("config", "copy", "visa", "mine.yaml")
    assert refused.code == 2
    assert "--force" in refused.err
    assert Path("mine.yaml").read_text(encoding="utf-8") == "name: precious\n"
    assert mambaad("config", "copy", "visa", "mine.yaml", "--force").code == 0
    assert load_recipe("mine.yaml") == load_recipe("visa")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lists"], "config can list, show or copy, not 'lists'"),
        (["list", "mvtec"], "mambaad config show mvtec"),
        (["list", "--force"], "--force belongs to copy"),
        (["show", "mvtek"], "did you mean mvtec?"),
        (["show", "mvtec", "visa"], "one recipe at a time"),
        (["show", "train.epoch=3"], "did you mean train.epochs?"),
        (["copy"], "mambaad config copy mvtec mine.yaml"),
        (["copy", "mvtec"], "mambaad config copy mvtec mine.yaml"),
        (["copy", "mvtek", "mine.yaml"], "did you mean mvtec?"),
        (["copy", "mvtec", "mine.txt"], "ends in .yaml"),
        (["copy", "mvtec", "nowhere/mine.yaml"], "nowhere/mine.yaml cannot be written"),
        (["copy", "mvtec", "folder.yaml", "--force"], "folder.yaml cannot be written"),
    ],
)
def test_refusals(words: list[str], message: str, mambaad: Callable[..., Any]) -> None:
    Path("folder.yaml").mkdir()
    outcome = mambaad("config", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert [path.name for path in Path().iterdir()] == ["folder.yaml"]
