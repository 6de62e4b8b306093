"""The optimisation of a recipe: AdamW, the learning rate over time, averaged weights."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mambaad_cli.recipe import OptimConfig


def optimizer_for(model: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
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


def schedule_for(optimizer: torch.optim.Optimizer, config: OptimConfig, steps: int) -> LambdaLR:
    """The learning rate of each of `steps` steps."""
    return LambdaLR(optimizer, lambda step: rate_share(step, steps, config))


def rate_share(step: int, steps: int, config: OptimConfig) -> float:
    """The learning rate in a step (from 0 on) as a share of `config.lr`.

    It rises in a straight line during the warm-up. Then "step" keeps it and drops it once, as published;
    "cosine" lets it fall along half a cosine to 0 at the end (arXiv 1608.03983).
    """
    rising = round(config.warmup * steps)
    if step < rising:
        return (step + 1) / rising
    if config.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(steps - rising, 1)))
    return config.decay_factor if step >= math.floor(config.decay_at * steps) else 1.0


def average_of(model: nn.Module, decay: float) -> AveragedModel | None:
    """A copy of `model` that follows it as an exponential moving average, batch statistics included."""
    if not decay:
        return None
    follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=follow, use_buffers=True)
    return average.eval()
