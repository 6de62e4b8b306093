"""What the arguments of a scan must look like; what does not fit is a UsageError that names it."""

from __future__ import annotations

import torch
from torch import Tensor

from mambaad_cli.errors import UsageError


def check_arguments(arguments: dict[str, Tensor], shapes: dict[str, str]) -> None:
    """Raise UsageError unless the arguments have these shapes, floats, one device, and none is empty.

    Args:
        arguments: name -> tensor, with u and order.
        shapes: name -> its dimensions as letters; equal letters stand for equal sizes.
    """
    sizes: dict[str, int] = {}
    for name, tensor in arguments.items():
        letters = {**shapes, "order": "K L"}[name].split()
        same_rank = tensor.dim() == len(letters)
        if not same_rank or any(
            sizes.setdefault(x, n) != n for x, n in zip(letters, tensor.shape, strict=True)
        ):
            known = ", ".join(f"{letter} = {size}" for letter, size in sizes.items())
            raise UsageError(
                f"scan: {name} has shape {tuple(tensor.shape)}, expected ({', '.join(letters)}) where {known}"
            )
        if tensor.device != arguments["u"].device:
            raise UsageError(f"scan: {name} is on {tensor.device}, but u on {arguments['u'].device}")
        if tensor.is_floating_point() != (name != "order") or tensor.dtype == torch.bool:
            kind = "integers" if name == "order" else "floats"
            raise UsageError(f"scan: {name} has to hold {kind}, not {tensor.dtype}")
        if 0 in tensor.shape:
            raise UsageError(f"scan: {name} is empty, its shape is {tuple(tensor.shape)}")


def check_order(order: Tensor) -> None:
    """Raise UsageError unless each row of `order` (K, L) is a permutation of range(L)."""
    K, L = order.shape
    lowest, highest = torch.aminmax(order)
    seen = torch.zeros(K, L, dtype=torch.bool, device=order.device)
    if lowest >= 0 and highest < L:
        seen.scatter_(1, order.long(), True)
    if not seen.all():
        raise UsageError(f"scan: a row of order is no permutation of the {L} pixels")
