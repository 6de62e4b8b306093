"""`mambaad quickstart`: the whole of it in minutes, on pictures that ship with the installation."""

from __future__ import annotations

from typing import Annotated

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad quickstart

mambaad quickstart --epochs 5

mambaad quickstart --device cuda --json"""


OVERLAYS = 4  # of each category, the highest scores; `mambaad visualize` draws them all


def quickstart(
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Passes over the training pictures.")
    ] = None,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make sample pictures, train on them, measure, and draw what was found: no download, a few minutes."""
    from mambaad_cli import console, env
    from mambaad_cli.commands.results import print_evaluation
    from mambaad_cli.data.fetching import fetch
    from mambaad_cli.data.index import open_dataset
    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.engine.device import choose_device
    from mambaad_cli.engine.evaluation import evaluate
    from mambaad_cli.engine.gallery import choose_rows
    from mambaad_cli.engine.loop import train
    from mambaad_cli.engine.processes import make_accelerator
    from mambaad_cli.engine.runs import SAID, create_run
    from mambaad_cli.engine.training import prepare
    from mambaad_cli.engine.visualizing import ShownRun, Wanted, draw_run
    from mambaad_cli.recipe import load_recipe

    console.configure(as_json=as_json, quiet=quiet)
    recipe = load_recipe("quickstart", [f"train.epochs={epochs}"] if epochs else [])
    chosen = choose_device(device)
    root = data_dir or env.data_root()
    console.say(
        "[bold]1/4[/bold] sample pictures: real textures, artificial defects; a sample, not a benchmark"
    )
    fetch("sample", root)
    index = open_dataset("sample", root)
    training = prepare(recipe, index, make_accelerator(chosen))
    run = create_run(recipe, dataset=index.receipt)
    console.keep_log(run / SAID)
    console.say(f"[bold]2/4[/bold] training one model on {', '.join(index.categories)}, in {run}")
    train(training, run)
    console.say("[bold]3/4[/bold] measuring it on test pictures")
    detector = Detector.load(run, device)
    evaluation = evaluate(detector, index)
    console.say("[bold]4/4[/bold] drawing what it found")
    rows = [row for name in evaluation.categories for row in choose_rows(evaluation, name, worst=OVERLAYS)]
    wanted = Wanted(rows, run / "overlays", report=run / "report.html")
    draw_run(ShownRun(evaluation, detector, index.root), wanted)
    print_evaluation(run, evaluation)
    console.say(f"open [bold]{wanted.report}[/bold] in a browser: pictures, maps, curves")
    console.say(f"large pictures of the highest scores: {wanted.folder}")
