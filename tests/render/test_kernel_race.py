"""Every kernel is timed on the same map, compared with the reference, or says why it cannot run."""

import numpy as np
import pytest
import torch

from mambaad_cli.errors import DeviceError
from mambaad_cli.render import kernel_race
from mambaad_cli.scan.kernels import KERNELS

PICTURE = np.random.default_rng(3).integers(0, 256, (6, 5, 3), np.uint8)


def test_usable_kernels_agree_with_the_reference() -> None:
    times = kernel_race.race(PICTURE)
    assert [part.kernel for part in times] == sorted(KERNELS, key=lambda name: name != "reference")
    for part in times:
        assert part.note or (part.seconds > 0 and part.difference < 1e-5)
    assert times[0].difference == 0


def test_the_map_is_the_pictures_own_and_the_same_each_time() -> None:
    first, again = kernel_race.map_of(PICTURE), kernel_race.map_of(PICTURE)
    other = kernel_race.map_of(255 - PICTURE)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_a_wrong_kernel_shows_and_a_missing_one_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    true_scan = kernel_race.hybrid_scan

    def scan(*arguments, kernel: str):
        if kernel == "absent":
            raise DeviceError("needs a GPU")
        return true_scan(*arguments, kernel="reference") * (1.5 if kernel == "wrong" else 1)

    monkeypatch.setattr(kernel_race, "hybrid_scan", scan)
    monkeypatch.setattr(kernel_race, "KERNELS", ("reference", "wrong", "absent"))
    _, wrong, absent = kernel_race.race(PICTURE)
    assert wrong.difference == pytest.approx(0.5)
    assert (absent.seconds, absent.note) == (None, "needs a GPU")
    assert torch.get_num_threads() >= 1
