"""Which pictures a training sees, and when: a function of the seed, so that a resumed run sees the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mambaad_cli.data.info import Sample


def steps_per_epoch(count: int, size: int) -> int:
    """How many whole batches there are: at least one, however few the pictures."""
    return count // min(size, count)


def batches(count: int, size: int, seed: int, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Shuffled batches of indices; the last incomplete one is dropped, unless it is the only one."""
    shuffled = np.random.default_rng((seed, epoch)).permutation(count)
    size = min(size, count)
    for start in range(0, count - size + 1, size):
        yield shuffled[start : start + size]


def share_of(batch: NDArray[np.int64], rank: int, processes: int, portions: int) -> list[NDArray[np.int64]]:
    """The portions of a batch that a process computes one after the other.

    All have the same size, so that a mean of means is the mean. Where a batch cannot be split evenly (only
    that of a dataset which is smaller than the batch size) its last pictures are left out.
    """
    even = batch[: len(batch) - len(batch) % (processes * portions)]
    return np.split(np.split(even, processes)[rank], portions)


def hold_back(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Split normal pictures into those to learn from and those to watch, the same share of each category.

    Every category keeps at least one picture to learn from.
    """
    rng = np.random.default_rng((seed, 0))
    watched: set[int] = set()
    for category in dict.fromkeys(sample.category for sample in samples):
        places = [i for i, sample in enumerate(samples) if sample.category == category]
        count = min(round(share * len(places)), len(places) - 1)
        watched.update(rng.permutation(places)[:count].tolist())
    learned = [sample for i, sample in enumerate(samples) if i not in watched]
    return learned, [samples[i] for i in sorted(watched)]


def seed_of(seed: int, step: int) -> int:
    """The seed of all that is random in a step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0])
