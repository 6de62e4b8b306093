"""What a training would be and cost here: it is prepared, does a few steps, and is thrown away."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mambaad_cli import env
from mambaad_cli.data.index import Index
from mambaad_cli.data.space import free_bytes
from mambaad_cli.engine.budget import measure_step
from mambaad_cli.engine.device import memory_guard, smaller_batch
from mambaad_cli.engine.runs import new_run_folder
from mambaad_cli.engine.training import Training, prepare
from mambaad_cli.recipe import Recipe

if TYPE_CHECKING:
    from accelerate import Accelerator

CHECKPOINTS = 3  # at most at once: the last, the one before it, and the next while it is written


@dataclass(frozen=True)
class Plan:
    """A training as it would be.

    Attributes:
        run: the folder it would get if it began now.
        pictures: category -> {"train": n, "test": n}.
        held_back: of the training pictures, how many are only watched.
        trainable, frozen: parameters.
        steps: optimizer steps of one epoch.
        step_seconds: measured, with one real batch, forward and backward.
        memory: peak in bytes after these steps: of the device for a GPU, else of this process; None: unknown.
        checkpoint: bytes of one checkpoint.
        room: free bytes on the disk of the runs.
    """

    run: str
    device: str
    pictures: dict[str, dict[str, int]]
    held_back: int
    trainable: int
    frozen: int
    epochs: int
    steps: int
    step_seconds: float
    memory: int | None
    checkpoint: int
    room: int

    @property
    def epoch_seconds(self) -> float:
        """Of one epoch, without the watching of held-back pictures."""
        return self.steps * self.step_seconds

    @property
    def total_seconds(self) -> float:
        """Of all epochs."""
        return self.epochs * self.epoch_seconds

    @property
    def room_is_enough(self) -> bool:
        """Whether the checkpoints of the run fit on the disk."""
        return self.room >= CHECKPOINTS * self.checkpoint


def make_plan(recipe: Recipe, index: Index, accelerator: Accelerator) -> Plan:
    """Prepare the training of `recipe`, do a few steps, and say what that shows. No run is made.

    Raises:
        DeviceError: a batch does not fit into the memory; and what `prepare` and `training_step` raise.
    """
    training = prepare(recipe, index, accelerator)
    with memory_guard(smaller_batch(recipe.train.batch_size)):
        step_seconds = measure_step(training)
    weights = [(parameter.numel(), parameter.requires_grad) for parameter in training.model.parameters()]
    return Plan(
        run=str(new_run_folder(recipe)),
        device=str(accelerator.device),
        pictures=_counts(index),
        held_back=len(training.held) if training.held else 0,
        trainable=sum(count for count, learns in weights if learns),
        frozen=sum(count for count, learns in weights if not learns),
        epochs=recipe.train.epochs,
        steps=training.steps,
        step_seconds=step_seconds,
        memory=_peak_memory(accelerator.device),
        checkpoint=_checkpoint_bytes(training),
        room=free_bytes(env.runs_root()),
    )


def _counts(index: Index) -> dict[str, dict[str, int]]:
    counts = {category: {"train": 0, "test": 0} for category in index.categories}
    for split in ("train", "test"):
        for sample in index.samples(split):
            counts[sample.category][split] += 1
    return counts


def _peak_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None  # the standard library does not know it there
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # bytes on macOS, KiB elsewhere


def _checkpoint_bytes(training: Training) -> int:
    """The tensors of a checkpoint; what else is in one hardly counts."""

    def size(part: object) -> int:
        if isinstance(part, torch.Tensor):
            return part.nbytes
        if isinstance(part, dict):
            return sum(map(size, part.values()))
        return sum(map(size, part)) if isinstance(part, list | tuple) else 0

    return size(training.state())
