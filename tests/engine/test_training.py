"""A training as a whole: what it leaves, that it learns, and what happens when it cannot go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from mambaad_cli.engine import loop, step
from mambaad_cli.engine.checkpoint import LAST, load_checkpoint


def test_log_recipe_and_environment_are_left_in_the_run(
    trained: Path, log: Callable[[Path], list[dict[str, Any]]]
) -> None:
    rows = log(trained)
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


def test_training_lowers_the_loss(
    tiny: Path, mambaad: Callable[..., Any], log: Callable[[Path], list[dict[str, Any]]]
) -> None:
    run = Path(mambaad("train", tiny, "train.epochs=25", "-q").out.strip())
    losses = [row["loss"] for row in log(run)]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("loss", ["mse", "cosine"])
def test_the_logged_loss_is_the_mean_over_the_steps(
    loss: str,
    tiny: Path,
    mambaad: Callable[..., Any],
    log: Callable[[Path], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[float]] = []
    losses = step._losses

    def spy(*arguments: Any) -> Any:
        scales = losses(*arguments)
        seen.append(scales.tolist())
        return scales

    monkeypatch.setattr(step, "_losses", spy)
    run = Path(mambaad("train", tiny, f"optim.loss={loss}", "-q").out.strip())
    assert [row["loss_scales"] for row in log(run)] == [
        pytest.approx(np.mean(seen[:3], axis=0).tolist()),
        pytest.approx(np.mean(seen[3:], axis=0).tolist()),
    ]


def test_the_held_back_share_is_watched_and_not_learned(
    tiny: Path,
    mambaad: Callable[..., Any],
    log: Callable[[Path], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[tuple[int, bool]] = []
    losses = step._losses

    def spy(training: Any, network: Any, pictures: Any) -> Any:
        sizes.append((len(pictures), network.training))
        return losses(training, network, pictures)

    monkeypatch.setattr(step, "_losses", spy)
    run = Path(mambaad("train", tiny, "data.holdout=0.34", "train.epochs=1", "-q").out.strip())
    # Two of the six pictures of each category are held back: eight to learn from, four to watch.
    assert sizes == [(4, True), (4, True), (4, False)]
    assert log(run)[0]["held_loss"] > 0


def test_patience_ends_a_training_that_no_longer_improves(
    tiny: Path, mambaad: Callable[..., Any], log: Callable[[Path], list[dict[str, Any]]], monkeypatch: Any
) -> None:
    held = iter([5.0, 4.0, 4.5, 4.2, 3.0])
    monkeypatch.setattr(loop, "held_loss", lambda training: next(held))
    words = ("train.epochs=9", "train.patience=2", "data.holdout=0.2", "-q")
    run = Path(mambaad("train", tiny, *words).out.strip())
    assert [row["held_loss"] for row in log(run)] == [5.0, 4.0, 4.5, 4.2]
    assert load_checkpoint(run)["epoch"] == 4
    assert mambaad("train", "--resume", run.name, "-q").code == 0  # and it stays ended
    assert len(log(run)) == 4


def test_a_picture_of_the_curves_is_left(trained: Path) -> None:
    with Image.open(trained / "curves.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5


def test_averaged_weights_follow_the_formula_and_are_what_a_detector_uses(
    tiny: Path, mambaad: Callable[..., Any]
) -> None:
    from mambaad_cli import Detector

    words = ("optim.ema=0.75", "train.batch_size=12", "name=average", "-q")  # one step per epoch
    one = Path(mambaad("train", tiny, *words, "train.epochs=1", "optim.decay_at=1").out.strip())
    two = Path(mambaad("train", tiny, *words, "train.epochs=2", "optim.decay_at=1").out.strip())
    first, second = load_checkpoint(one)["model"], load_checkpoint(two)["model"]
    average = Detector.load(two).model.state_dict()
    for name in ("decoder.stages.3.0.merge.weight", "fusion.merge.1.running_mean"):
        torch.testing.assert_close(average[name], 0.75 * first[name] + 0.25 * second[name])
        assert not torch.equal(first[name], second[name])


def test_a_loss_that_is_not_finite_stops_with_step_and_files_and_keeps_the_last_good_checkpoint(
    tiny: Path, mambaad: Callable[..., Any], newest: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses, calls = step._losses, []

    def broken(*arguments: Any) -> Any:
        calls.append(1)
        return losses(*arguments) * (torch.nan if len(calls) == 5 else 1)

    monkeypatch.setattr(step, "_losses", broken)
    outcome = mambaad("train", tiny, "train.checkpoint_minutes=0")
    assert outcome.code == 4
    assert "not finite in step 5, epoch 2" in outcome.err
    named = [line for line in outcome.err.splitlines() if line.strip().endswith(".png")]
    assert len(named) == 4  # the pictures of the batch
    assert all("train/good" in Path(line.strip()).as_posix() for line in named)
    content = load_checkpoint(newest())
    assert content["step"] == 4
    assert all(value.isfinite().all() for value in content["model"].values())


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_the_weights(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = step._losses

    def steep(*arguments: Any) -> Any:
        scales = losses(*arguments)
        scales.register_hook(lambda gradient: gradient * torch.inf)
        return scales

    monkeypatch.setattr(step, "_losses", steep)
    outcome = mambaad("train", tiny)
    assert outcome.code == 4
    assert "not finite in step 1, epoch 1" in outcome.err


def test_a_full_disk_leaves_the_checkpoint_before_it(
    tiny: Path, mambaad: Callable[..., Any], newest: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    save, calls = torch.save, []

    def full(content: Any, file: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            file.write(b"half a checkpoint")
            raise OSError(28, "No space left on device")
        save(content, file)

    monkeypatch.setattr(torch, "save", full)
    outcome = mambaad("train", tiny, "train.checkpoint_minutes=0")
    assert outcome.code == 4
    assert "No space left on device" in outcome.err
    assert f"mambaad train --resume {newest().name}" in outcome.err
    assert load_checkpoint(newest())["step"] == 1
    assert [path.name for path in (newest() / LAST).parent.iterdir()] == ["last.pt"]


def test_a_log_that_cannot_be_written_is_told(
    tiny: Path, mambaad: Callable[..., Any], newest: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if Path(target).name == "train.jsonl":
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    outcome = mambaad("train", tiny)
    assert outcome.code == 4
    assert "train.jsonl cannot be written" in outcome.err


def test_a_runs_folder_that_cannot_be_made_is_told(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("occupied").write_text("a file")
    monkeypatch.setenv("MAMBAAD_RUNS", "occupied")
    outcome = mambaad("train", tiny)
    assert outcome.code == 4
    assert "MAMBAAD_RUNS" in outcome.err


def test_what_was_said_is_kept_in_the_run(trained: Path, mambaad: Callable[..., Any]) -> None:
    resumed = mambaad("train", "--resume", trained.name)
    lines = [line.split("  ", 1)[1] for line in (trained / "log.txt").read_text().splitlines()]
    assert lines.count(f"run {trained}: 12 pictures, 2 epochs on cpu") == 2  # the first time, quietly, too
    assert lines[-2:] == [line for line in resumed.err.splitlines() if line]
