"""Drawing many overlays in the pictures' own size, without the network: pictures per second, memory, bytes.

    nox -s bench -- overlays --pictures 400 --side 1024 --processes 2

A brick wall in the asked size, a made-up map of 256 pixels and a mask of the picture's size, drawn by the
pool that `mambaad visualize` uses. With --network RECIPE the untrained network of a recipe looks at as many
pictures instead, for comparison.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from mambaad_cli.render.overlay_pool import overlay_pool
from mambaad_cli.render.overlays import caption


def made_up(side: int) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_]]:
    """A noisy wall (side, side, 3), a map (256, 256) with one hill, and the mask of the hill (side, side)."""
    rng = np.random.default_rng(0)
    wall = np.asarray(Image.fromarray(data.brick()).convert("RGB").resize((side, side)), dtype=float)
    picture = (wall + rng.normal(0, 2, wall.shape)).clip(0, 255).astype(np.uint8)
    rows, columns = np.mgrid[:256, :256]
    hill = np.exp(-((rows - 100) ** 2 + (columns - 150) ** 2) / 800)
    anomaly_map = (0.8 * hill + 0.1 * rng.random((256, 256))).astype(np.float32)
    mask = np.asarray(Image.fromarray(hill > 0.5).resize((side, side)))
    return picture, anomaly_map, mask


def memory_of_family() -> float:
    """MB of this process and its children that no other process shares (Linux), else 0."""
    own = os.getpid()
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if own in (parent, int(folder.name)):
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, ValueError):
            continue
    return total / 1024


def processor_seconds() -> float:
    """Of this process and of those of its children that have ended: what a busy machine cannot change."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def draw(options: argparse.Namespace) -> None:
    """Draw the overlays and print what it took."""
    picture, anomaly_map, mask = made_up(options.side)
    with tempfile.TemporaryDirectory() as folder:
        start, before, peaks = time.perf_counter(), processor_seconds(), []
        with overlay_pool(options.pictures, options.processes) as submit:
            for number in range(options.pictures):
                submit(
                    Path(folder) / f"{number}.{options.format}",
                    picture,
                    anomaly_map,
                    mask=mask,
                    threshold=0.4,
                    vmin=0.05,
                    vmax=0.8,
                    title=caption("brick", "scratch", 0.9, 0.5, 0.63),
                    note="colours are the same in every picture",
                )
                if number % 25 == 24:
                    peaks.append(memory_of_family())
                    seconds = time.perf_counter() - start
                    print(
                        f"{number + 1:5}  {(number + 1) / seconds:5.2f} pictures/s  {peaks[-1]:6.0f} MB",
                        flush=True,
                    )
        seconds = time.perf_counter() - start
        work = (processor_seconds() - before) / options.pictures
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / options.pictures / 1e6
    print(
        f"{options.pictures} of {options.side} px as {options.format}: {seconds:.1f} s, "
        f"{options.pictures / seconds:.2f} pictures/s, {work:.2f} s of a core and {size:.2f} MB each, "
        f"peak {max(peaks, default=0):.0f} MB; 1,700: {1700 * seconds / options.pictures / 60:.1f} min"
    )


def look(options: argparse.Namespace) -> None:
    """What the network of a recipe costs on as many pictures, random weights."""
    import torch

    from mambaad_cli.model.mambaad import MambaAD
    from mambaad_cli.model.scoring import anomaly_map, smooth
    from mambaad_cli.recipe import load_recipe

    recipe = load_recipe(options.network, ["model.encoder_weights=none"])
    size = recipe.data.image_size
    model = MambaAD(recipe.model).eval()
    pictures = torch.randint(0, 256, (8, size, size, 3), dtype=torch.uint8)
    with torch.inference_mode():
        before = 0.0
        for batch in range(1 + options.pictures // 8):
            if batch == 1:
                start, before = time.perf_counter(), processor_seconds()  # the first one compiles
            teacher, student = model(model.normalise(pictures))
            smooth(anomaly_map(teacher, student, (size, size)), recipe.score.sigma)
    count = 8 * (options.pictures // 8)
    seconds, work = (time.perf_counter() - start) / count, (processor_seconds() - before) / count
    print(
        f"network of {options.network}, {size} px: {1 / seconds:.2f} pictures/s, "
        f"{work:.2f} s of a core each; 1,700 of them: {1700 * seconds / 60:.1f} min"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--format", default="png", choices=("png", "jpg", "webp"))
    parser.add_argument("--network", metavar="RECIPE")
    options = parser.parse_args()
    (look if options.network else draw)(options)


if __name__ == "__main__":
    main()
