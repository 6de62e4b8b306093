"""How fast pictures reach the network: the store of resized pictures against decoding them in every epoch.

    python tests/benchmarks/data.py data/mvtec

Compares, on a folder in the MVTec layout, one epoch of shuffled batches of 16 as normalised tensors:

    decode    Pillow and torchvision transforms in a DataLoader, the usual way (0 and 2 workers)
    cold      making the store, which happens once
    warm      reading the store

All are measured in turn inside one run, on one thread of torch. pictures/s are of the clock; the time of the
processor, in all threads and workers, is what a busy machine disturbs less; the ratio compares that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from mambaad_cli.data.index import open_dataset
from mambaad_cli.data.info import Sample
from mambaad_cli.data.store import ImageStore

SIZE, BATCH = 256, 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Decoded(Dataset[torch.Tensor]):
    """Pictures decoded, resized and normalised each time they are asked for."""

    def __init__(self, root: Path, samples: list[Sample]) -> None:
        self.paths = [root / sample.image for sample in samples]
        self.transform = transforms.Compose(
            [transforms.Resize((SIZE, SIZE)), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.transform(Image.open(self.paths[index]).convert("RGB"))


def decode(root: Path, samples: list[Sample], workers: int) -> Callable[[], None]:
    """One epoch of decoding."""

    def epoch() -> None:
        for _ in DataLoader(Decoded(root, samples), BATCH, shuffle=True, num_workers=workers):
            pass

    return epoch


def warm(store: ImageStore) -> Callable[[], None]:
    """One epoch of reading the store."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))

    def epoch() -> None:
        for indices in torch.randperm(len(store)).split(BATCH):
            batch = torch.from_numpy(store[indices.numpy()]).permute(0, 3, 1, 2).float()
            batch.div_(255).sub_(mean).div_(std)

    return epoch


def cold(root: Path, samples: list[Sample]) -> None:
    """Make the store anew."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MAMBAAD_CACHE"] = cache
        ImageStore.open(root, samples, SIZE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder of pictures in the MVTec layout")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    index = open_dataset(f"folder:{options.folder}", options.folder)
    samples = index.samples("train") + index.samples("test")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["MAMBAAD_CACHE"] = cache
        store = ImageStore.open(index.root, samples, SIZE)
        ways: dict[str, Callable[[], None]] = {
            "decode, 0 workers": decode(index.root, samples, 0),
            "decode, 2 workers": decode(index.root, samples, 2),
            "store, cold": lambda: cold(index.root, samples),
            "store, warm": warm(store),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        processor: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, epoch in ways.items():
                start, busy = time.perf_counter(), sum(os.times()[:4])
                epoch()
                seconds[name].append(time.perf_counter() - start)
                processor[name].append(sum(os.times()[:4]) - busy)
    print(f"{len(samples)} pictures to {SIZE} px, {os.cpu_count()} cores, median of {options.rounds} rounds")
    first = statistics.median(processor["decode, 0 workers"])
    for name in ways:
        rate = len(samples) / statistics.median(seconds[name])
        busy = statistics.median(processor[name])
        each = 1000 * busy / len(samples)
        print(f"{name:18} {rate:8.0f} pictures/s {each:8.2f} ms cpu/picture {first / busy:7.1f} x")


if __name__ == "__main__":
    main()
