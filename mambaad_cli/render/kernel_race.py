"""The scan kernels side by side on the map of a real picture: how fast, and how close to the reference."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus, unfold

from mambaad_cli.errors import MambaadError
from mambaad_cli.scan.kernels import KERNELS, hybrid_scan
from mambaad_cli.scan.orders import scan_order

CHANNELS, STATES, DIRECTIONS = 128, 16, 8  # the largest map of the paper's network has these
PATIENCE = 0.5  # seconds after which a kernel is not timed again


@dataclass(frozen=True)
class KernelTime:
    """One kernel on one map.

    Attributes:
        kernel: its name.
        seconds: median time of one forward scan; None if it cannot run here.
        difference: largest absolute difference to the reference, relative to the reference's largest value.
        note: why it cannot run.
    """

    kernel: str
    seconds: float | None = None
    difference: float | None = None
    note: str = ""


def race(picture: NDArray[np.uint8], method: str = "hilbert") -> list[KernelTime]:
    """Scan the map of a picture (H, W, 3) with every kernel; the reference comes first.

    The map has 128 channels, the state 16 numbers per channel, and the scan 8 directions. The reference runs
    on one thread: its steps are too small to be shared out.
    """
    height, width = picture.shape[:2]
    inputs = map_of(picture)
    order = scan_order(method, height, width, DIRECTIONS)

    def scan(kernel: str) -> tuple[Tensor, float]:
        start = time.perf_counter()
        result = hybrid_scan(*inputs, order, kernel=kernel)
        return result, time.perf_counter() - start

    with torch.inference_mode():
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            truth, seconds = scan("reference")
        finally:
            torch.set_num_threads(threads)
        others = [kernel for kernel in KERNELS if kernel != "reference"]
        return [KernelTime("reference", seconds, 0.0), *(_measure(kernel, scan, truth) for kernel in others)]


def _measure(kernel: str, scan: Callable[[str], tuple[Tensor, float]], truth: Tensor) -> KernelTime:
    try:
        result, _ = scan(kernel)  # not timed: it may compile
    except MambaadError as error:
        return KernelTime(kernel, note=error.message)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < PATIENCE and len(times) < 20):
        times.append(scan(kernel)[1])
    difference = float((result - truth).abs().max() / truth.abs().max())
    return KernelTime(kernel, median(times), difference)


def map_of(picture: NDArray[np.uint8]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """What an untrained block makes of a picture (H, W, 3): u, delta, A, B, C, D of `hybrid_scan`, batch 1.

    Each pixel's 5 x 5 neighbourhood goes through fixed random projections; step sizes lie around 0.01, decay
    rates are 1 to 16 and the pixel weight is 1, as in a network before training.
    """
    generator = torch.Generator().manual_seed(0)

    def project(pixels: Tensor, features: int) -> Tensor:
        weight = torch.randn(pixels.shape[-1], features, generator=generator)
        projected: Tensor = pixels @ weight / pixels.shape[-1] ** 0.5
        return projected

    pixels = torch.from_numpy(picture.astype(np.float32) / 255 - 0.5).permute(2, 0, 1)[None]
    patches = unfold(pixels, 5, padding=2).transpose(1, 2)  # (1, L, 75)
    length = patches.shape[1]
    u = project(patches, CHANNELS)

    def per_direction(features: int) -> Tensor:
        values = project(u, DIRECTIONS * features).view(1, length, DIRECTIONS, features)
        return values.transpose(1, 2).contiguous()

    delta = softplus(per_direction(CHANNELS) - 4.6)
    A = -torch.arange(1.0, STATES + 1).expand(DIRECTIONS, CHANNELS, STATES).contiguous()
    D = torch.ones(DIRECTIONS, CHANNELS)
    return u, delta, A, per_direction(STATES), per_direction(STATES), D
