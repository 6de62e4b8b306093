"""`mambaad eval`: the seven metrics of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad eval --metrics all

mambaad eval latest --protocol published --compare

mambaad eval latest --by defect --bootstrap 200 --json"""


def evaluate(
    run: options.Run = "latest",
    metrics: Annotated[
        str, typer.Option("--metrics", help="all, or names separated by commas.", metavar="LIST")
    ] = "all",
    protocol: Annotated[
        str, typer.Option("--protocol", help="exact, or published: as the published tables were made.")
    ] = "exact",
    by: Annotated[
        str | None, typer.Option("--by", help="defect: each defect type on its own too.", metavar="defect")
    ] = None,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", min=0, help="Resamples for 95 % intervals.", metavar="N")
    ] = 0,
    compare: Annotated[
        bool, typer.Option("--compare", help="Set numbers that others report beside these.")
    ] = False,
    classes: options.Classes = None,
    processes: options.Processes = 1,
    data_dir: options.DataDir = None,
    device: options.Device = "auto",
    batch_size: options.BatchSize = 8,
    scan_kernel: options.ScanKernel = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure a run on the test pictures: seven metrics per category, and their mean."""
    from mambaad_cli import console, env
    from mambaad_cli.engine.runs import find_run
    from mambaad_cli.errors import UsageError
    from mambaad_cli.metrics import METRICS
    from mambaad_cli.metrics.inputs import check_options

    console.configure(as_json=as_json, quiet=quiet)
    options.force_scan_kernel(scan_kernel)
    if by not in (None, "defect"):
        raise UsageError(f"--by {by}: only defect is known", "mambaad eval --by defect")
    wanted = check_options(options.names(metrics) or METRICS, protocol)
    folder = find_run(run)
    again = options.same_command("finished categories are kept; go on")
    if options.launch_processes(processes, again):
        return

    from mambaad_cli.commands.results import print_evaluation
    from mambaad_cli.data.index import open_dataset
    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.engine.device import choose_device
    from mambaad_cli.engine.evaluation import Measures
    from mambaad_cli.engine.evaluation import evaluate as measure
    from mambaad_cli.engine.processes import all_needed, make_accelerator

    measures = Measures(wanted, protocol, by_defect=by == "defect", resamples=bootstrap)
    detector = Detector.load(folder, str(make_accelerator(choose_device(device)).device))
    data = detector.recipe.data
    index = open_dataset(data.dataset, data_dir or env.data_root(), options.names(classes) or data.named)
    with all_needed(again):
        evaluation = measure(detector, index, measures, batch_size)
    print_evaluation(detector.run, evaluation, compare)
