"""`train --dry-run`: what it says is true, and it leaves no run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mambaad_cli import MambaAD
from mambaad_cli.engine.checkpoint import LAST
from mambaad_cli.recipe import load_recipe


def test_the_plan_is_what_the_run_becomes(tiny: Path, mambaad: Callable[..., Any]) -> None:
    words = [tiny, "data.holdout=0.2", "--device", "cpu"]
    plan = mambaad("train", *words, "--dry-run", "--json").json["plan"]
    assert not Path("runs").exists()
    run = Path(mambaad("train", *words, "-q").out.strip())
    assert Path(plan["run"]).parent == run.parent
    assert plan["checkpoint"] == pytest.approx((run / LAST).stat().st_size, rel=0.05)
    assert plan["pictures"] == {name: {"train": 6, "test": 5} for name in ("bolt", "nut")}
    assert plan["held_back"] == 2
    model = MambaAD(load_recipe(tiny).model)
    sizes = dict.fromkeys((True, False), 0)
    for weight in model.parameters():
        sizes[weight.requires_grad] += weight.numel()
    assert (plan["trainable"], plan["frozen"]) == (sizes[True], sizes[False])
    assert (plan["epochs"], plan["steps"]) == (2, 10 // 4)
    assert plan["step_seconds"] > 0
    assert plan["total_seconds"] == pytest.approx(2 * 2 * plan["step_seconds"])
    assert plan["memory"] is None or plan["memory"] > plan["checkpoint"]
    assert plan["room"] > 0


def test_people_see_the_complete_recipe_and_the_costs(tiny: Path, mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("train", tiny, "model.scan=zigzag", "--dry-run", "--device", "cpu")
    assert outcome.code == 0
    recipe, pictures, costs = outcome.out.split("\n\n")
    assert yaml.safe_load(recipe) == load_recipe(tiny, ["model.scan=zigzag"]).model_dump(mode="json")
    assert pictures.split()[-3:] == ["all", "12", "10"]
    for fact in ("parameters", "one step", "memory", "one epoch", "training", "checkpoint", "run"):
        assert f"\n{fact} " in f"\n{costs}"
    assert "without --dry-run" in outcome.err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["train.epoch=3"], 2, "did you mean train.epochs?"),
        (["--dataset", "mvtec"], 3, "mambaad fetch mvtec"),
        (["--device", "cuda:7"], 5, "--device"),
    ],
)
def test_it_refuses_what_training_refuses(
    tiny: Path, mambaad: Callable[..., Any], words: list[str], code: int, message: str
) -> None:
    outcome = mambaad("train", tiny, "--dry-run", *words)
    assert outcome.code == code
    assert message in outcome.err
    assert not Path("runs").exists()
