"""Training: the published optimisation, resumed runs, and what happens when it cannot go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from mambaad_cli import MambaAD
from mambaad_cli.engine import training as room
from mambaad_cli.engine.checkpoint import LAST, load_checkpoint
from mambaad_cli.engine.training import batches, optimizer_for
from mambaad_cli.recipe import ModelConfig, OptimConfig


def test_weight_decay_has_the_published_exclusions() -> None:
    model = MambaAD(ModelConfig(encoder="tf_efficientnet_lite0", depths=(2, 2, 2, 2)))
    decayed, kept = optimizer_for(model, OptimConfig()).param_groups
    assert (decayed["weight_decay"], kept["weight_decay"]) == (1e-4, 0.0)
    names = {id(p): name for name, p in model.named_parameters()}
    in_decayed = {names[id(p)] for p in decayed["params"]}
    in_kept = {names[id(p)] for p in kept["params"]}
    # Published code stores D as a vector, A and the bias of the step sizes as matrices.
    assert all(name.endswith(".D") or p.ndim == 1 for name, p in model.named_parameters() if name in in_kept)
    assert any(name.endswith(".A_log") for name in in_decayed)
    assert any(name.endswith(".dt_bias") for name in in_decayed)
    assert not any(name.endswith((".D", ".bias")) for name in in_decayed)
    assert in_decayed | in_kept == {name for name in names.values() if not name.startswith("encoder.")}


def test_batches_are_whole_shuffled_and_repeatable() -> None:
    first = list(batches(10, 4, seed=1, epoch=0))
    assert [len(batch) for batch in first] == [4, 4]
    assert len(set(np.concatenate(first))) == 8
    assert np.array_equal(first, list(batches(10, 4, seed=1, epoch=0)))
    assert not np.array_equal(first, list(batches(10, 4, seed=1, epoch=1)))
    assert not np.array_equal(first, list(batches(10, 4, seed=2, epoch=0)))
    assert [len(batch) for batch in batches(3, 16, seed=0, epoch=0)] == [3]


def test_log_recipe_and_environment_are_left_in_the_run(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained / "train.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert [row["step"] for row in rows] == [3, 6]
    assert rows[0]["loss"] == pytest.approx(sum(rows[0]["loss_scales"]))
    # The rate drops by ten after 80 % of the six steps, that is from the fifth on: after both epochs' starts.
    assert rows[0]["lr"] == rows[1]["lr"] == 0.005
    content = load_checkpoint(trained)
    assert content["schedule"]["_last_lr"] == pytest.approx([0.0005, 0.0005])
    assert yaml.safe_load((trained / "recipe.yaml").read_text())["name"] == "tiny"
    versions = json.loads((trained / "environment.json").read_text())["versions"]
    assert torch.__version__.startswith(versions["torch"])


def test_training_lowers_the_loss(tiny: Path, mambaad: Callable[..., Any]) -> None:
    run = Path(mambaad("train", tiny, "train.epochs=25", "-q").out.strip())
    losses = [json.loads(line)["loss"] for line in (run / "train.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.7 * losses[0]


def test_a_resumed_run_ends_in_the_same_weights_as_an_uninterrupted_one(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path(mambaad("train", tiny, "train.epochs=4", "name=whole", "-q").out.strip())
    step, calls = room._step, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 8:  # in the middle of the third epoch
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(room, "_step", interrupted)
    stopped = mambaad("train", tiny, "train.epochs=4", "name=parts")
    assert stopped.code == 130
    assert "stopped after 2 of 4 epochs" in stopped.err
    monkeypatch.setattr(room, "_step", step)
    resume = (
        next(line for line in stopped.err.splitlines() if "--resume" in line).split("mambaad ")[1].split()
    )
    resumed = mambaad(*resume, "-q")
    assert resumed.code == 0
    one, other = (load_checkpoint(run) for run in (whole, Path(resumed.out.strip())))
    assert one["epoch"] == other["epoch"] == 4
    for name, tensor in one["model"].items():
        assert torch.equal(tensor, other["model"][name]), name


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = room._step, []

    def broken(*arguments: Any) -> Any:
        calls.append(1)
        return np.array([np.nan]) if len(calls) == 5 else step(*arguments)

    monkeypatch.setattr(room, "_step", broken)
    outcome = mambaad("train", tiny)
    assert outcome.code == 4
    assert "not finite in step 4, epoch 2" in outcome.err
    run = Path("runs") / Path("runs/latest").read_text().strip()
    assert load_checkpoint(run)["epoch"] == 1


def test_a_full_disk_leaves_the_checkpoint_before_it(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = torch.save, []

    def full(content: Any, file: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            file.write(b"half a checkpoint")
            raise OSError(28, "No space left on device")
        save(content, file)

    monkeypatch.setattr(torch, "save", full)
    outcome = mambaad("train", tiny)
    assert outcome.code == 4
    assert "No space left on device" in outcome.err
    run = Path("runs") / Path("runs/latest").read_text().strip()
    assert load_checkpoint(run)["epoch"] == 1
    assert [path.name for path in (run / LAST).parent.iterdir()] == ["last.pt"]
