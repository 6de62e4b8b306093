"""`mambaad train --dry-run`: what a training would be and cost, before it is begun."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from mambaad_cli import console
from mambaad_cli.data.info import MB

if TYPE_CHECKING:
    from accelerate import Accelerator
    from rich.console import RenderableType

    from mambaad_cli.data.index import Index
    from mambaad_cli.engine.plan import Plan
    from mambaad_cli.recipe import Recipe


def print_plan(recipe: Recipe, index: Index, accelerator: Accelerator) -> None:
    """Print the complete recipe and what its training would be; no run is made."""
    from rich.console import Group
    from rich.text import Text

    from mambaad_cli.engine.plan import make_plan

    plan = make_plan(recipe, index, accelerator)
    shown = Group(Text(recipe.to_yaml()), _pictures(plan), Text(""), Text("\n".join(_lines(plan, recipe))))
    costs = {"epoch_seconds": plan.epoch_seconds, "total_seconds": plan.total_seconds}
    data = {
        "schema": "mambaad.dry-run/1",
        "recipe": recipe.model_dump(mode="json"),
        "plan": {**asdict(plan), **costs},
    }
    console.result(shown, data, brief=f"{plan.total_seconds:.0f}")
    if not plan.room_is_enough:
        console.say("[yellow]note:[/yellow] the disk has no room for the checkpoints of this run")
    console.say("[dim]nothing was kept; next: the same command without --dry-run[/dim]")


def _pictures(plan: Plan) -> RenderableType:
    from mambaad_cli.render.tables import plain_table

    table = plain_table(None, "category", ["training pictures", "test pictures"])
    for category, counts in plan.pictures.items():
        table.add_row(category, str(counts["train"]), str(counts["test"]))
    table.add_section()
    totals = [sum(counts[split] for counts in plan.pictures.values()) for split in ("train", "test")]
    table.add_row("all", *map(str, totals))
    return table


def _lines(plan: Plan, recipe: Recipe) -> list[str]:
    """One fact a line."""
    whose = "the GPU" if plan.device.startswith("cuda") else "this process"
    memory = "unknown here" if plan.memory is None else f"{plan.memory / MB:,.0f} MB at most, of {whose}"
    facts = {
        "parameters": f"{plan.trainable:,} to learn, {plan.frozen:,} frozen",
        "one step": f"{plan.step_seconds:.2f} s for {recipe.train.batch_size} pictures on {plan.device}",
        "memory": memory,
        "one epoch": f"{plan.steps} steps, about {_time(plan.epoch_seconds)}",
        "training": f"{plan.epochs} epochs, about {_time(plan.total_seconds)}",
        "checkpoint": f"{plan.checkpoint / MB:,.0f} MB, of {plan.room / MB:,.0f} MB free",
        "run": plan.run,
    }
    if plan.held_back:
        facts["held back"] = f"{plan.held_back} training pictures are only watched"
    return [f"{name:<12}{text}" for name, text in facts.items()]


def _time(seconds: float) -> str:
    return str(timedelta(seconds=max(1, round(seconds))))
