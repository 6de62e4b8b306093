"""Epoch after epoch: what is logged and shown, when a checkpoint is written, how a training is stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mambaad_cli import console
from mambaad_cli.engine.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from mambaad_cli.engine.device import memory_guard, smaller_batch
from mambaad_cli.engine.optimization import rate_share
from mambaad_cli.engine.processes import all_needed
from mambaad_cli.engine.runs import append_log, own_run, read_log
from mambaad_cli.engine.sampling import batches
from mambaad_cli.engine.step import held_loss, training_step
from mambaad_cli.engine.stopping import stop_requests
from mambaad_cli.engine.training import Training
from mambaad_cli.errors import Interrupted
from mambaad_cli.render.canvas import save_figure
from mambaad_cli.render.curves import loss_figure

STRIDES = (4, 8, 16)  # of the three scales, in the names that trackers show


def train(training: Training, run: Path) -> None:
    """Train to the recipe's last epoch, leaving log, curves and checkpoint in `run`.

    Goes on from the run's checkpoint when there is one.

    Raises:
        RunError: the loss is not finite, the checkpoint cannot be written, somebody else trains the run, or
            another of several processes is lost.
        Interrupted: Ctrl-C or SIGTERM; everything up to the last step is kept.
    """
    smaller = memory_guard(smaller_batch(training.recipe.train.batch_size))
    with _owned(training, run), smaller, all_needed(_resume(run)), stop_requests() as stop_asked:
        if has_checkpoint(run):
            training.restore(run)
        try:
            with console.task("training", training.total_steps, training.step) as advance:
                saver = _Saver(training, run)
                while not training.finished:
                    _epoch(training, saver, stop_asked, advance)
                saver.save()
        except KeyboardInterrupt:
            kept = load_checkpoint(run)["step"] if has_checkpoint(run) else 0
            raise _interrupted(training, run, kept) from None
        if training.accelerator.is_main_process:
            save_figure(loss_figure(read_log(run)), run / "curves.png")
        training.accelerator.end_training()


def _epoch(
    training: Training, saver: _Saver, stop_asked: Callable[[], bool], advance: Callable[[int, str], None]
) -> None:
    """The rest of the epoch under way."""
    recipe, started, before = training.recipe, time.monotonic(), training.seconds
    epoch = training.epochs_done
    training.network.train()
    order = batches(len(training.store), recipe.train.batch_size, recipe.seed, epoch)
    for batch in islice(order, training.step - epoch * training.steps, None):
        scales, stop = training_step(training, batch, stop_asked)
        training.losses.append(scales.tolist())
        training.seconds = before + time.monotonic() - started
        speed = len(training.losses) * len(batch) / training.seconds
        shown = " ".join(f"{loss:.3g}" for loss in scales)
        advance(1, f"epoch {epoch + 1}  loss {shown}  {speed:.3g} pictures/s")
        if training.step % training.steps == 0:
            _complete_epoch(training, saver.run)  # before a checkpoint can say that it is complete
        if stop:
            saver.save()
            raise _interrupted(training, saver.run, training.step)
        saver.save_when_due()


def _complete_epoch(training: Training, run: Path) -> None:
    """Look at the held-back pictures, and add the epoch's row to log and trackers."""
    if training.held is not None:
        training.held_losses.append(held_loss(training))
    row = _row(training)
    if training.accelerator.is_main_process:
        append_log(run, row)
    training.accelerator.log(_tracked(row), step=training.step)
    training.losses, training.seconds = [], 0.0


class _Saver:
    """Writes the run's checkpoint, in the main process, at most as often as the recipe says."""

    def __init__(self, training: Training, run: Path) -> None:
        self.training, self.run = training, run
        self.step, self.time = training.step, time.monotonic()

    def save(self) -> None:
        if self.training.accelerator.is_main_process and self.step != self.training.step:
            save_checkpoint(self.run, self.training.state())
        self.step, self.time = self.training.step, time.monotonic()

    def save_when_due(self) -> None:
        if time.monotonic() - self.time >= 60 * self.training.recipe.train.checkpoint_minutes:
            self.save()


def _row(training: Training) -> dict[str, Any]:
    """The log's row of the epoch that is complete now."""
    recipe, mean = training.recipe, np.mean(training.losses, axis=0)
    pictures = training.steps * min(recipe.train.batch_size, len(training.store))
    share = rate_share(training.step - training.steps, training.total_steps, recipe.optim)
    row = {
        "epoch": training.epochs_done,
        "step": training.step,
        "loss": float(mean.sum()),
        "loss_scales": mean.tolist(),
        "lr": recipe.optim.lr * share,
        "seconds": round(training.seconds, 3),
        "pictures_per_second": round(pictures / training.seconds, 3),
    }
    return row | ({"held_loss": training.held_losses[-1]} if training.held_losses else {})


def _tracked(row: dict[str, Any]) -> dict[str, float]:
    """The row of the log as the flat numbers that trackers take."""
    scales = {f"loss/stride_{stride}": loss for stride, loss in zip(STRIDES, row["loss_scales"], strict=True)}
    return {**{name: value for name, value in row.items() if name not in ("step", "loss_scales")}, **scales}


def _owned(training: Training, run: Path) -> AbstractContextManager[None]:
    return own_run(run) if training.accelerator.is_main_process else nullcontext()


def _interrupted(training: Training, run: Path, kept: int) -> Interrupted:
    return Interrupted(
        f"stopped after step {kept} of {training.total_steps} ({kept // training.steps} of "
        f"{training.recipe.train.epochs} epochs), which are kept in {run}",
        _resume(run),
    )


def _resume(run: Path) -> str:
    return f"go on: mambaad train --resume {run.name}"
