"""Training: the published optimisation, one epoch after the other, resumable."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
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
from mambaad_cli.scan.kernels.selection import choose


@dataclass
class Training:
    """A training that is ready to go: recipe, pictures, network, optimizer, and the number of epochs done."""

    recipe: Recipe
    store: ImageStore
    model: MambaAD
    optimizer: torch.optim.AdamW
    schedule: LambdaLR
    epoch: int = 0

    @property
    def steps(self) -> int:
        """Optimizer steps of one epoch."""
        return steps_per_epoch(len(self.store), self.recipe.train.batch_size)

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs; random numbers are drawn anew from each epoch's seed."""
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def restore(self, run: Path) -> None:
        """Go back to where the run's checkpoint is."""
        content = load_checkpoint(run)
        restore(self.model, content, run)
        self.optimizer.load_state_dict(content["optimizer"])
        self.schedule.load_state_dict(content["schedule"])
        self.epoch = content["epoch"]


def prepare(recipe: Recipe, index: Index, device: torch.device) -> Training:
    """Read the normal pictures of `index` and build the network with its pretrained encoder.

    Raises:
        DataError: no normal pictures to learn from, or a broken one.
        NetworkError: the encoder's weights cannot be had.
        UsageError, DeviceError: the scan kernel that is forced does not exist or cannot run here.
    """
    samples = index.samples("train")
    if not samples:
        raise DataError(
            f"{index.title} at {index.root} has no training pictures for these categories",
            "see what is there: mambaad fetch",
        )
    choose("auto", device, torch.float32)  # a scan kernel that cannot run is told before anything is made
    torch.manual_seed(recipe.seed)
    model = MambaAD(recipe.model, pretrained=True).to(device)
    store = ImageStore.open(index.root, samples, recipe.data.image_size, progress=console.task)
    optimizer = optimizer_for(model, recipe.optim)
    steps = recipe.train.epochs * steps_per_epoch(len(store), recipe.train.batch_size)
    decay_step, factor = math.floor(recipe.optim.decay_at * steps), recipe.optim.decay_factor
    schedule = LambdaLR(optimizer, lambda step: factor if step >= decay_step else 1.0)
    return Training(recipe, store, model, optimizer, schedule)


def train(training: Training, run: Path) -> None:
    """Train to the recipe's last epoch, leaving log and checkpoint in `run` after each.

    Goes on from the run's checkpoint when there is one.

    Raises:
        RunError: the loss is not finite, the checkpoint cannot be written, or somebody else trains the run.
        Interrupted: Ctrl-C; everything up to the last complete epoch is kept.
    """
    size, epochs = training.recipe.train.batch_size, training.recipe.train.epochs
    hint = f"smaller batches need less: train.batch_size={max(1, size // 2)}"
    with own_run(run), memory_guard(hint), _stoppable():
        if (run / LAST).is_file():
            training.restore(run)
        done, total = training.epoch * training.steps, epochs * training.steps
        try:
            with console.task("training", total, done) as advance:
                while training.epoch < epochs:
                    row = _epoch(training, advance)
                    save_checkpoint(run / LAST, training.state())
                    append_log(run, row)
        except KeyboardInterrupt:
            kept = load_checkpoint(run)["epoch"] if (run / LAST).is_file() else 0
            raise Interrupted(
                f"stopped after {kept} of {epochs} epochs, which are kept in {run}",
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


def steps_per_epoch(count: int, size: int) -> int:
    """How many whole batches there are: at least one, however few the pictures."""
    return count // min(size, count)


def batches(count: int, size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Shuffled batches of indices; the last incomplete one is dropped, unless it is the only one."""
    shuffled = np.random.default_rng((seed, epoch)).permutation(count)
    size = min(size, count)
    for start in range(0, count - size + 1, size):
        yield shuffled[start : start + size]


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


def _epoch(training: Training, advance: Callable[[int, str], None]) -> dict[str, Any]:
    """One pass over the pictures; returns the row for the log."""
    recipe, store = training.recipe, training.store
    training.model.train()
    started = time.monotonic()
    torch.manual_seed(int(np.random.SeedSequence((recipe.seed, training.epoch)).generate_state(1)[0]))
    rate = training.schedule.get_last_lr()[0]
    losses, pictures = [], 0
    for batch in batches(len(store), recipe.train.batch_size, recipe.seed, training.epoch):
        scales = _step(training, store[batch])
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


def _step(training: Training, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One optimizer step on (B, H, W, 3) pictures; returns the loss of each scale."""
    model, config = training.model, training.recipe.optim
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
