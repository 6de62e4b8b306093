"""Training: the published optimisation, one epoch after the other, resumable."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from mambaad_cli import console
from mambaad_cli.data.index import Index
from mambaad_cli.data.store import ImageStore
from mambaad_cli.engine.checkpoint import LAST, load_checkpoint, restore, save_checkpoint
from mambaad_cli.engine.device import memory_guard
from mambaad_cli.engine.runs import append_log, own_run
from mambaad_cli.errors import DataError, Interrupted, RunError
from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.model.scoring import scale_losses
from mambaad_cli.recipe import OptimConfig, Recipe


@dataclass
class Training:
    """What a checkpoint holds, alive: the network, its optimizer, and the number of epochs done."""

    model: MambaAD
    optimizer: torch.optim.AdamW
    schedule: LambdaLR
    epoch: int = 0

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs; random numbers are drawn anew from each epoch's seed."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }


def train(recipe: Recipe, index: Index, run: Path, device: torch.device) -> None:
    """Train `recipe` on the normal pictures of `index` and leave log and checkpoint in `run`.

    Goes on from the run's checkpoint when there is one.

    Raises:
        DataError: no normal pictures to learn from.
        RunError: the loss is not finite, or the checkpoint cannot be written.
        Interrupted: Ctrl-C; everything up to the last complete epoch is kept.
    """
    samples = index.samples("train")
    if not samples:
        raise DataError(
            f"{index.title} at {index.root} has no training pictures for these categories",
            "see what is there: mambaad fetch",
        )
    store = ImageStore.open(index.root, samples, recipe.data.image_size, progress=console.task)
    steps = len(samples) // min(recipe.train.batch_size, len(samples))
    hint = f"smaller batches need less: train.batch_size={max(1, recipe.train.batch_size // 2)}"
    with own_run(run), memory_guard(hint), _stoppable():
        training = _start(recipe, steps, device)
        if (run / LAST).is_file():
            _continue(training, run)
        try:
            done = training.epoch * steps
            with console.task("training", recipe.train.epochs * steps, done) as advance:
                while training.epoch < recipe.train.epochs:
                    row = _epoch(training, recipe, store, advance)
                    save_checkpoint(run / LAST, training.state())
                    append_log(run, row)
        except KeyboardInterrupt:
            kept = load_checkpoint(run)["epoch"] if (run / LAST).is_file() else 0
            raise Interrupted(
                f"stopped after {kept} of {recipe.train.epochs} epochs, which are kept in {run}",
                f"go on: mambaad train --resume {run.name}",
            ) from None


def optimizer_for(model: MambaAD, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW on fusion and decoder; the published exclusions from weight decay.

    Not decayed: vectors, names that end in ".bias", and D, which published code stores as a vector. The step
    sizes' bias and A are matrices there and are decayed.
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            exempt = parameter.ndim <= 1 or name.endswith((".bias", ".D"))
            (kept if exempt else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr)


def batches(count: int, size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Shuffled batches of indices; the last incomplete one is dropped, unless it is the only one."""
    shuffled = np.random.default_rng((seed, epoch)).permutation(count)
    size = min(size, count)
    for start in range(0, count - size + 1, size):
        yield shuffled[start : start + size]


def _start(recipe: Recipe, steps: int, device: torch.device) -> Training:
    torch.manual_seed(recipe.seed)
    model = MambaAD(recipe.model, pretrained=True).to(device)
    optimizer = optimizer_for(model, recipe.optim)
    decay_step = math.floor(recipe.optim.decay_at * recipe.train.epochs * steps)
    factor = recipe.optim.decay_factor
    schedule = LambdaLR(optimizer, lambda step: factor if step >= decay_step else 1.0)
    return Training(model, optimizer, schedule)


@contextmanager
def _stoppable() -> Iterator[None]:
    """A polite kill (SIGTERM) ends a training as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _continue(training: Training, run: Path) -> None:
    content = load_checkpoint(run)
    restore(training.model, content, run)
    training.optimizer.load_state_dict(content["optimizer"])
    training.schedule.load_state_dict(content["schedule"])
    training.epoch = content["epoch"]


def _epoch(training: Training, recipe: Recipe, store: ImageStore, advance: Any) -> dict[str, Any]:
    """One pass over the pictures; returns the row for the log."""
    training.model.train()
    started = time.monotonic()
    torch.manual_seed(int(np.random.SeedSequence((recipe.seed, training.epoch)).generate_state(1)[0]))
    rate = training.schedule.get_last_lr()[0]
    losses, pictures = [], 0
    for batch in batches(len(store), recipe.train.batch_size, recipe.seed, training.epoch):
        scales = _step(training, recipe.optim, store[batch])
        if not np.isfinite(scales).all():
            raise RunError(
                f"the loss is not finite in step {training.schedule.last_epoch}, epoch {training.epoch + 1}, "
                f"training pictures number {batch.tolist()}",
                "the checkpoint of the epoch before is kept; try a smaller rate: optim.lr=0.001",
            )
        losses.append(scales)
        pictures += len(batch)
        advance(1, f"epoch {training.epoch + 1}/{recipe.train.epochs}  loss {scales.sum():.4f}")
    training.epoch += 1
    seconds = time.monotonic() - started
    mean = np.mean(losses, axis=0)
    return {
        "epoch": training.epoch,
        "step": training.schedule.last_epoch,
        "loss": float(mean.sum()),
        "loss_scales": mean.tolist(),
        "lr": rate,
        "seconds": round(seconds, 3),
        "pictures_per_second": round(pictures / seconds, 3),
    }


def _step(training: Training, config: OptimConfig, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One optimizer step on (B, H, W, 3) pictures; returns the loss of each scale."""
    model = training.model
    device = next(model.parameters()).device
    images = model.normalise(torch.from_numpy(pictures).to(device))
    teacher, student = model(images)
    scales = scale_losses(teacher, student)
    training.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(config.loss_weight * scales.sum())
    nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    training.optimizer.step()
    training.schedule.step()
    return scales.detach().cpu().double().numpy()
