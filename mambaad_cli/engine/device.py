"""Which device does the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mambaad_cli.errors import DeviceError


def choose_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" is the first GPU if there is one, else the CPU.

    Raises:
        DeviceError: torch does not know it or cannot use it here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise DeviceError(
            f"device '{name}' cannot be used here: {str(error).splitlines()[0]}",
            "use what is here: --device auto (or --device cpu)",
        ) from error
    return device


def smaller_batch(size: int) -> str:
    """The hint for a training that runs out of memory with batches of `size`."""
    return f"smaller batches need less: train.batch_size={max(1, size // 2)}, or train.recompute=true"


@contextmanager
def memory_guard(hint: str) -> Iterator[None]:
    """Turn running out of device memory into a DeviceError that carries `hint`."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(f"the device ran out of memory: {str(error).splitlines()[0]}", hint) from error
