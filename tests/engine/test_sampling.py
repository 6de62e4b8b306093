"""Which pictures are seen when, by which process, and which are held back."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mambaad_cli.data.info import Sample
from mambaad_cli.engine.sampling import batches, hold_back, seed_of, share_of


def test_batches_are_whole_shuffled_and_repeatable() -> None:
    first = list(batches(10, 4, seed=1, epoch=0))
    assert [len(batch) for batch in first] == [4, 4]
    assert len(set(np.concatenate(first))) == 8
    assert np.array_equal(first, list(batches(10, 4, seed=1, epoch=0)))
    assert not np.array_equal(first, list(batches(10, 4, seed=1, epoch=1)))
    assert not np.array_equal(first, list(batches(10, 4, seed=2, epoch=0)))
    assert [len(batch) for batch in batches(3, 16, seed=0, epoch=0)] == [3]


@pytest.mark.parametrize(("processes", "portions"), [(1, 1), (2, 1), (2, 3), (4, 2)])
def test_processes_and_portions_share_a_batch_without_gaps_or_overlap(processes: int, portions: int) -> None:
    batch = np.random.default_rng(0).permutation(24)
    parts = [share_of(batch, rank, processes, portions) for rank in range(processes)]
    assert all(len(part) == 24 // (processes * portions) for own in parts for part in own)
    np.testing.assert_array_equal(np.concatenate([part for own in parts for part in own]), batch)


def test_a_batch_that_cannot_be_split_evenly_loses_its_last_pictures() -> None:
    parts = [share_of(np.arange(7), rank, 2, 1)[0].tolist() for rank in range(2)]
    assert parts == [[0, 1, 2], [3, 4, 5]]


def normal(category: str, number: int) -> Sample:
    return Sample(f"{category}/{number}.png", None, category, "good", 0, "train", "")


def test_every_category_holds_back_its_share_and_keeps_a_picture() -> None:
    samples = [normal("bolt", i) for i in range(20)] + [normal("nut", i) for i in range(2)]
    learned, held = hold_back(samples, 0.25, seed=3)
    assert Counter(sample.category for sample in held) == {"bolt": 5}  # of two, a quarter is none
    assert sorted(sample.image for sample in [*learned, *held]) == sorted(s.image for s in samples)
    assert (learned, held) == hold_back(samples, 0.25, seed=3)
    assert held != hold_back(samples, 0.25, seed=4)[1]
    assert Counter(sample.category for sample in hold_back(samples, 0.9, seed=0)[0])["nut"] == 1
    assert hold_back(samples, 0.0, seed=3) == (samples, [])


def test_every_step_has_a_seed_of_its_own() -> None:
    assert len({seed_of(seed, step) for seed in range(10) for step in range(1000)}) == 10_000
