"""The metrics of a test as large as Real-IAD's, on made-up maps: time and peak memory.

    nox -s bench -- streaming --categories 30 --pictures 3820

Each category's maps and masks go through files on disk, as `mambaad eval` has them, and are measured and
removed before the next; the network itself is left out.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from mambaad_cli.data.info import Sample
from mambaad_cli.engine.evaluation import Measures, _Maps, _measure


def draw(folder: Path, pictures: int, size: int, seed: int) -> _Maps:
    """Maps of noise; every second picture has one square defect, where the map is higher."""
    rng = np.random.default_rng(seed)
    shape = (pictures, size, size)
    maps = np.lib.format.open_memmap(folder / "maps.npy", mode="w+", dtype=np.float32, shape=shape)
    masks = np.lib.format.open_memmap(folder / "masks.npy", mode="w+", dtype=np.bool_, shape=shape)
    for place in range(pictures):
        picture = rng.random((size, size), dtype=np.float32)
        if place % 2:
            top, left = rng.integers(0, size - 24, 2)
            masks[place, top : top + 24, left : left + 24] = True
            picture[masks[place]] += 0.5
        maps[place] = picture
    samples = [
        Sample(f"{i}.png", None, str(seed), "defect" if i % 2 else "good", i % 2, "test", "")
        for i in range(pictures)
    ]
    return _Maps(samples, maps, masks, maps.max(axis=(1, 2)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--categories", type=int, default=30)
    parser.add_argument("--pictures", type=int, default=3820)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    seconds = 0.0
    for number in range(options.categories):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            looked = draw(Path(folder), options.pictures, options.size, number)
            start = time.perf_counter()
            result = _measure(looked, Measures(), number)
            seconds += time.perf_counter() - start
            del looked
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{number + 1:3}  mAD {result.metrics.mad:.4f}  metrics {seconds:7.1f} s  peak {peak:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
