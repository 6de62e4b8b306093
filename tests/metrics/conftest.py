"""Synthetic categories for the tests of the metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest


class Arrays(NamedTuple):
    """The four arrays of one category, in the order of `category_metrics`."""

    maps: np.ndarray[Any, Any]
    masks: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    scores: np.ndarray[Any, Any]


@pytest.fixture
def make_category() -> Callable[..., Arrays]:
    """A function that draws a category: the first third of the pictures is normal, defects score higher."""

    def make(seed: int = 0, n: int = 6, size: int = 12, levels: int = 1000, contrast: float = 0.3) -> Arrays:
        rng = np.random.default_rng(seed)
        masks = rng.random((n, size, size)) < 0.15
        masks[: n // 3] = False
        masks[n // 3 :, 0, 0] = True
        noise = rng.random((n, size, size)) + contrast * masks
        maps = (np.floor(noise * levels) / levels).astype(np.float32)
        labels = (np.arange(n) >= n // 3).astype(int)
        scores = np.floor(10 * maps.mean((1, 2))).astype(np.float32) + labels * rng.integers(0, 2, n)
        return Arrays(maps, masks, labels, scores)

    return make
