"""What precision, portions and recomputation do to a training step: its time, and the peak of the memory.

    python tests/benchmarks/training.py                   # the paper's network, batch 8 at 256 px
    python tests/benchmarks/training.py --batch-size 16 --json training.json

Each row is a process of its own that does a few optimizer steps on made-up pictures; the weights are random,
which changes no time. A time is the median of the steps after the first.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from rich.console import Console
from rich.table import Table

from mambaad_cli.data.index import open_dataset
from mambaad_cli.engine.budget import measure_step
from mambaad_cli.engine.training import prepare
from mambaad_cli.recipe import load_recipe

WAYS = {
    "fp32": [],
    "bf16": ["train.precision=bf16"],
    "2 portions": ["train.accumulate=2"],
    "4 portions": ["train.accumulate=4"],
    "recompute": ["train.recompute=true"],
    "bf16, recompute": ["train.precision=bf16", "train.recompute=true"],
    "bf16, recompute, 4 portions": ["train.precision=bf16", "train.recompute=true", "train.accumulate=4"],
}


def measure(settings: list[str], folder: Path) -> None:
    """Print seconds of a step and the peak in GB."""
    recipe = load_recipe("mvtec", [f"data.dataset=folder:{folder}", "model.encoder_weights=none", *settings])
    index = open_dataset(recipe.data.dataset, folder)
    precision = "no" if recipe.train.precision == "fp32" else recipe.train.precision
    training = prepare(recipe, index, Accelerator(cpu=True, mixed_precision=precision))
    seconds = measure_step(training)
    unit = 1e9 if sys.platform == "darwin" else 1e6
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit]))


def made_up_pictures(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    (folder / "good").mkdir()
    for number in range(count):
        pixels = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "good" / f"{number}.png")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--one", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        measure(arguments.one, arguments.folder)
        return
    rows: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        made_up_pictures(Path(name), arguments.batch_size)
        for way, settings in WAYS.items():
            words = [f"train.batch_size={arguments.batch_size}", *settings]
            command = [sys.executable, __file__, "--folder", name, "--one", *words]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rows[way] = tuple(json.loads(printed.splitlines()[-1]))
    table = Table("way", "seconds per step", "x fp32", "peak GB")
    for way, (seconds, peak) in rows.items():
        table.add_row(way, f"{seconds:.2f}", f"{seconds / rows['fp32'][0]:.2f}", f"{peak:.2f}")
    table.title = f"batch {arguments.batch_size}, 256 px, {torch.get_num_threads()} threads"
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
