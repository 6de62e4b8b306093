"""One step of a training: a function of the recipe, the step before it, and a seed of its own.

What is random in a step is drawn from that seed (`sampling.seed_of`), and the order of the pictures from the
epoch's. So a run that is resumed at any step goes on exactly as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mambaad_cli.engine.sampling import seed_of, share_of
from mambaad_cli.engine.training import Training
from mambaad_cli.errors import RunError
from mambaad_cli.model.scoring import scale_losses


def training_step(
    training: Training, batch: NDArray[np.int64], stop_asked: Callable[[], bool] = lambda: False
) -> tuple[NDArray[np.float64], bool]:
    """One optimizer step.

    Args:
        batch: places in the store of the pictures of all processes.
        stop_asked: whether this process wants to stop after the step.

    Returns:
        the loss of each scale, and whether any process wants to stop.

    Raises:
        RunError: loss or gradient are not finite; the weights are as before the step.
    """
    recipe, accelerator = training.recipe, training.accelerator
    torch.manual_seed(seed_of(recipe.seed, training.step))
    parts = share_of(batch, accelerator.process_index, accelerator.num_processes, recipe.train.accumulate)
    training.optimizer.zero_grad(set_to_none=True)
    mean = torch.zeros(3, device=accelerator.device)
    for number, part in enumerate(parts, 1):
        with accelerator.no_sync(training.network) if number < len(parts) else nullcontext():
            scales = _losses(training, training.network, training.store[part]) / len(parts)
            accelerator.backward(recipe.optim.loss_weight * scales.sum())
        mean += scales.detach()
    norm = accelerator.clip_grad_norm_(training.model.parameters(), recipe.optim.clip)
    # One message for both: the loss over all processes, and whether any of them wants to stop.
    message = torch.cat([mean, mean.new_tensor([float(stop_asked())])])
    told = accelerator.reduce(message, "mean").cpu().double().numpy()
    if not np.isfinite(told).all() or not (torch.isfinite(norm) or accelerator.scaler):
        raise _not_finite(training, batch)
    training.optimizer.step()
    training.schedule.step()
    if training.average:
        training.average.update_parameters(training.model)
    training.step += 1
    return told[:-1], bool(told[-1] > 0)


@torch.no_grad()
def held_loss(training: Training) -> float:
    """The loss on the held-back pictures, of the weights that would be kept now."""
    assert training.held is not None
    accelerator, size = training.accelerator, training.recipe.train.batch_size
    network = training.average.module if training.average else training.model
    network.eval()
    starts = range(0, len(training.held), size)[accelerator.process_index :: accelerator.num_processes]
    total = torch.zeros(1, device=accelerator.device)
    for start in starts:
        pictures = training.held[start : start + size]
        with accelerator.autocast():
            total += len(pictures) * _losses(training, network, pictures).sum()
    return float(accelerator.reduce(total, "sum")) / len(training.held)


def _losses(training: Training, network: nn.Module, pictures: NDArray[np.uint8]) -> Tensor:
    """The loss of each scale, (S,), on pictures (B, H, W, 3)."""
    images = training.model.normalise(torch.from_numpy(pictures).to(training.accelerator.device))
    teacher, student = network(images)
    return scale_losses(teacher, student, training.recipe.optim.loss)


def _not_finite(training: Training, batch: NDArray[np.int64]) -> RunError:
    names = "\n".join(f"  {training.samples[place].image}" for place in batch)
    return RunError(
        f"loss or gradient are not finite in step {training.step + 1}, epoch {training.epochs_done + 1}, "
        f"on these pictures:\n{names}",
        "the last checkpoint is good and is kept (mambaad eval latest looks at it)\n"
        "try a smaller rate in a new run: optim.lr=0.001",
    )
