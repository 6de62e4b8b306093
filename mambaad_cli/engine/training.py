"""A training that is ready to go: what it consists of, and what of it a checkpoint keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from mambaad_cli import console
from mambaad_cli.data.index import Index
from mambaad_cli.data.info import Sample
from mambaad_cli.data.store import ImageStore
from mambaad_cli.engine.checkpoint import load_checkpoint, restore
from mambaad_cli.engine.optimization import average_of, optimizer_for, schedule_for
from mambaad_cli.engine.sampling import hold_back, steps_per_epoch
from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.recipe import Recipe
from mambaad_cli.scan.kernels.selection import choose

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass
class Training:
    """A training that is ready to go, and how far it is.

    Attributes:
        samples, store: the pictures to learn from.
        held: the normal pictures that are only watched, if any.
        model: the network itself; `network` is the same, ready for several processes and mixed precision.
        average: the averaged weights, if the recipe wants them.
        step: optimizer steps done.
        losses: of each step of the epoch that is under way, the loss of each scale.
        held_losses: after each epoch, the loss on `held`.
        seconds: that the epoch under way took before this process.
    """

    recipe: Recipe
    samples: list[Sample]
    store: ImageStore
    held: ImageStore | None
    model: MambaAD
    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LambdaLR
    average: AveragedModel | None
    accelerator: Accelerator
    step: int = 0
    losses: list[list[float]] = field(default_factory=list)
    held_losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Optimizer steps of one epoch."""
        return steps_per_epoch(len(self.store), self.recipe.train.batch_size)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of all epochs."""
        return self.recipe.train.epochs * self.steps

    @property
    def epochs_done(self) -> int:
        """Complete epochs."""
        return self.step // self.steps

    @property
    def finished(self) -> bool:
        """Whether the last epoch is done, or the held-back loss has not improved for long enough."""
        return self.step >= self.total_steps or self.out_of_patience

    @property
    def out_of_patience(self) -> bool:
        """Whether as many epochs as the recipe has patience for brought no better held-back loss."""
        patience, losses = self.recipe.train.patience, self.held_losses
        return bool(patience) and len(losses) - 1 - int(np.argmin(losses or [0])) >= patience

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs, and "epoch" for those who only look at pictures with it."""
        epoch = round(self.step / self.steps, 2)
        scaler = self.accelerator.scaler
        return {
            "epoch": int(epoch) if epoch.is_integer() else epoch,
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler else None,
            "losses": self.losses,
            "held_losses": self.held_losses,
            "seconds": self.seconds,
        }

    def restore(self, run: Path) -> None:
        """Go back to where the run's checkpoint is."""
        content = load_checkpoint(run)
        restore(self.model, content, run)
        if self.average:
            self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.schedule.load_state_dict(content["schedule"])
        if self.accelerator.scaler and content["scaler"]:
            self.accelerator.scaler.load_state_dict(content["scaler"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.losses, self.held_losses = content["losses"], content["held_losses"]


def prepare(recipe: Recipe, index: Index, accelerator: Accelerator) -> Training:
    """Read the normal pictures of `index` and build the network with its pretrained encoder.

    Raises:
        DataError: too few normal pictures to learn from, or a broken one.
        NetworkError: the encoder's weights cannot be had.
        UsageError, DeviceError: the scan kernel that is forced does not exist or cannot run here.
        UsageError: the batch cannot be shared out evenly.
    """
    choose("auto", accelerator.device, torch.float32)  # told before anything is made
    samples, held = hold_back(index.samples("train"), recipe.data.holdout, recipe.seed)
    _check_sizes(recipe, len(samples), accelerator.num_processes, index)
    torch.manual_seed(recipe.seed)
    model = MambaAD(recipe.model, pretrained=True).to(accelerator.device)
    model.decoder.recompute = recipe.train.recompute

    def store_of(some: list[Sample]) -> ImageStore:
        return ImageStore.open(index.root, some, recipe.data.image_size, progress=console.task)

    average = average_of(model, recipe.optim.ema)
    optimizer = optimizer_for(model, recipe.optim)
    steps = recipe.train.epochs * steps_per_epoch(len(samples), recipe.train.batch_size)
    schedule = schedule_for(optimizer, recipe.optim, steps)
    network, prepared = accelerator.prepare(model, optimizer)
    return Training(
        recipe=recipe,
        samples=samples,
        store=store_of(samples),
        held=store_of(held) if held else None,
        model=model,
        network=network,
        optimizer=prepared,
        schedule=schedule,
        average=average,
        accelerator=accelerator,
    )


def _check_sizes(recipe: Recipe, pictures: int, processes: int, index: Index) -> None:
    pieces = processes * recipe.train.accumulate
    if recipe.train.batch_size % pieces:
        raise UsageError(
            f"a batch of {recipe.train.batch_size} pictures cannot be shared out evenly: "
            f"{processes} processes x {recipe.train.accumulate} portions",
            f"for example: train.batch_size={pieces * max(1, round(recipe.train.batch_size / pieces))}",
        )
    if pictures < pieces:
        raise DataError(
            f"{index.title} at {index.root} has {pictures} training pictures for these categories, "
            f"and {pieces} are needed at once",
            "see what is there: mambaad fetch",
        )
