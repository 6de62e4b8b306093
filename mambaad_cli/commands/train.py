"""`mambaad train`: one model for all categories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mambaad_cli.commands import options

if TYPE_CHECKING:
    from mambaad_cli.recipe import Recipe

EPILOG = """\
Examples:

mambaad train --classes all --epochs 500

mambaad train visa model.scan=zigzag optim.lr=0.001 --dry-run

mambaad train --sweep model.scan=hilbert,zigzag --sweep seed=0,1,2"""


def train(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE] [KEY=VALUE]...",
            help="A recipe (name or YAML file; default mvtec), then settings that override it.",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Another dataset: its name, or folder:PATH.")
    ] = None,
    classes: options.Classes = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the training pictures.")] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", help="Go on with a run, with its own recipe.", metavar="RUN")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", help="As many epochs as fit into this time.", metavar="TIME"),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option("--precision", help="fp32, bf16 or fp16 matrix products.", rich_help_panel="Hardware"),
    ] = None,
    processes: options.Processes = 1,
    track: Annotated[
        str | None, typer.Option("--track", help="Also log to tensorboard, wandb or mlflow.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be trained, and its cost.")
    ] = False,
    sweep: Annotated[
        list[str] | None,
        typer.Option("--sweep", help="Train once with each value; repeatable.", metavar="KEY=VALUE,VALUE"),
    ] = None,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    scan_kernel: options.ScanKernel = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train one model on the normal pictures of all categories of a dataset."""
    from mambaad_cli import console
    from mambaad_cli.commands.sweep import print_sweep
    from mambaad_cli.engine.runs import read_recipe
    from mambaad_cli.engine.tracking import check_tracker
    from mambaad_cli.recipe import load_words

    console.configure(as_json=as_json, quiet=quiet)
    _one_of({"--resume": resume, "--sweep": sweep, "--dry-run": dry_run})
    _one_of({"--sweep": sweep, "--budget": budget})
    _one_of({"--resume": resume, "--budget": budget})
    options.force_scan_kernel(scan_kernel)
    overrides = {
        "data.dataset": dataset,
        "data.categories": classes,
        "train.epochs": epochs,
        "train.precision": precision,
    }
    given = [f"{key}={value}" for key, value in overrides.items() if value is not None]
    words = [*(words or []), *given]
    if track:
        check_tracker(track)
    if sweep:
        print_sweep(words, sweep, data_dir=data_dir, device=device, processes=processes, track=track)
        return
    seconds = seconds_of(budget) if budget else None
    run = _resumed(resume, words) if resume else None
    recipe = read_recipe(run) if run else load_words(words)
    again = f"go on from the last checkpoint: mambaad train --resume {resume or 'latest'}"
    if not options.launch_processes(processes, again):
        _train(recipe, run, data_dir, device, track, seconds, dry_run=dry_run)


def _train(
    recipe: Recipe,
    run: Path | None,
    data_dir: Path | None,
    device: str,
    track: str | None,
    seconds: float | None,
    *,
    dry_run: bool,
) -> None:
    """All that needs torch: a mistake on the command line is told before it is loaded."""
    from mambaad_cli import console, env
    from mambaad_cli.commands.dry_run import print_plan
    from mambaad_cli.data.index import open_dataset
    from mambaad_cli.engine.budget import fit_budget
    from mambaad_cli.engine.device import choose_device
    from mambaad_cli.engine.loop import train
    from mambaad_cli.engine.processes import decided_by_main, make_accelerator
    from mambaad_cli.engine.runs import SAID, create_run, read_log
    from mambaad_cli.engine.tracking import start_tracking
    from mambaad_cli.engine.training import prepare

    accelerator = make_accelerator(choose_device(device), recipe.train.precision, track)
    index = open_dataset(recipe.data.dataset, data_dir or env.data_root(), recipe.data.named)
    if seconds is not None:
        recipe = fit_budget(recipe, index, accelerator, seconds)
        console.say(f"{recipe.train.epochs} epochs fit into the budget")
    if dry_run:
        print_plan(recipe, index, accelerator)
        return
    training = prepare(recipe, index, accelerator)
    run = run or decided_by_main(accelerator, lambda: create_run(recipe, dataset=index.receipt))
    console.keep_log(run / SAID)
    console.say(
        f"run {run}: {len(training.samples)} pictures, {recipe.train.epochs} epochs on {accelerator.device}"
    )
    if track:
        start_tracking(accelerator, recipe, run)
    train(training, run)
    last = read_log(run)[-1]
    text = f"{run}  epoch {last['epoch']}, loss {last['loss']:.4f}"
    console.result(text, {"schema": "mambaad.train/1", "run": str(run), **last}, brief=str(run))
    console.say(f"[dim]next: mambaad eval {run.name}[/dim]")


def seconds_of(budget: str) -> float:
    """The time that is meant by "45m", "1h30m" or "90s", in seconds.

    Raises:
        UsageError: it is none of these.
    """
    import re

    from mambaad_cli.errors import UsageError

    if not re.fullmatch(r"(\d+(\.\d+)?[hms])+", budget):
        raise UsageError(f"--budget {budget} is no time", "for example: --budget 45m, --budget 1h30m")
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", budget))


def _one_of(given: dict[str, object]) -> None:
    """Refuse options that do not go together."""
    from mambaad_cli.errors import UsageError

    both = [name for name, value in given.items() if value]
    if len(both) > 1:
        raise UsageError(f"{' and '.join(both)} do not go together", "mambaad train --help")


def _resumed(name: str, changes: list[str]) -> Path:
    from mambaad_cli.engine.runs import find_run
    from mambaad_cli.errors import UsageError

    if changes:
        raise UsageError(
            f"a resumed run keeps its own recipe; not changed: {', '.join(changes)}",
            "for other settings start a new run: mambaad train RECIPE KEY=VALUE...",
        )
    return find_run(name)
