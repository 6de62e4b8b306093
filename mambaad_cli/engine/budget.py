"""As many epochs as fit into a time: measured on this machine, decided before the run is made."""

from __future__ import annotations

import time
from datetime import timedelta
from statistics import median

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from mambaad_cli.data.index import Index
from mambaad_cli.engine.sampling import batches
from mambaad_cli.engine.step import training_step
from mambaad_cli.engine.training import Training, prepare
from mambaad_cli.errors import UsageError
from mambaad_cli.recipe import Recipe

TIMED = 5  # steps; the first, in which code is compiled, is not counted


def fit_budget(recipe: Recipe, index: Index, accelerator: Accelerator, seconds: float) -> Recipe:
    """The recipe with as many epochs as `seconds` have room for; its schedule follows.

    Raises:
        UsageError: not even one epoch fits.
    """
    training = prepare(recipe, index, accelerator)
    measured = [measure_step(training)]
    broadcast_object_list(measured)  # all processes have to come to the same number
    epoch = measured[0] * training.steps
    epochs = int(seconds / epoch)
    if epochs < 1:
        raise UsageError(
            f"one epoch takes about {timedelta(seconds=round(epoch))} here, longer than the budget",
            "give more time, or make it smaller: data.image_size=128, --classes NAME",
        )
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"epochs": epochs})})


def measure_step(training: Training) -> float:
    """Seconds of one optimizer step. It changes the weights: for a training that is thrown away."""
    batch = next(batches(len(training.store), training.recipe.train.batch_size, seed=0, epoch=0))
    training.network.train()
    times = []
    for _ in range(TIMED):
        started = time.monotonic()
        training_step(training, batch)
        times.append(time.monotonic() - started)
    return median(times[1:])
