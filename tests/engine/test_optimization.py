"""The optimisation: which weights decay, and the learning rate over time, against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from mambaad_cli import MambaAD
from mambaad_cli.engine.optimization import optimizer_for, rate_share, schedule_for
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


def rates(config: OptimConfig, steps: int) -> list[float]:
    """The rates that the optimizer really had in each step."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=config.lr)
    schedule, seen = schedule_for(optimizer, config, steps), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


@pytest.mark.parametrize("steps", [10, 1000])
def test_the_published_rate_drops_once_after_four_fifths_of_the_steps(steps: int) -> None:
    dropped = steps // 5
    assert rates(OptimConfig(), steps) == [0.005] * (steps - dropped) + [pytest.approx(0.0005)] * dropped


def test_the_cosine_rate_follows_half_a_cosine() -> None:
    expected = [0.005 * (1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)]
    assert rates(OptimConfig(schedule="cosine"), 20) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_the_warm_up_rises_in_a_straight_line_to_the_full_rate(schedule: str) -> None:
    seen = rates(OptimConfig(schedule=schedule, warmup=0.25), 40)
    assert seen[:10] == pytest.approx([0.005 * (step + 1) / 10 for step in range(10)])
    assert seen[10] == pytest.approx(0.005)


@pytest.mark.parametrize("schedule", ["step", "cosine"])
def test_one_step_is_enough_for_a_schedule(schedule: str) -> None:
    assert rate_share(0, 1, OptimConfig(schedule=schedule, decay_at=1.0)) == 1.0
