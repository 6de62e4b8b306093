"""Which engine runs the scan: what each needs, whether it is there, and the fastest for a device."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass

import torch

from mambaad_cli import env
from mambaad_cli.errors import DeviceError, UsageError


@dataclass(frozen=True)
class Kernel:
    """One engine of the scan.

    Attributes:
        name: what --scan-kernel takes.
        usable: whether it can run on this machine.
        reason: why it can or cannot, in a few words.
        hint: how to make it usable.
    """

    name: str
    usable: bool
    reason: str
    hint: str | None = None


def available_kernels() -> tuple[Kernel, ...]:
    """Every engine and whether this machine can run it; of those for one device, the fastest first."""
    return tuple(probe() for probe in PROBES.values())


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def choose(kernel: str, device: torch.device, dtype: torch.dtype) -> str:
    """The name of the engine for pixels of this device and dtype.

    Args:
        kernel: the name of an engine, or "auto": MAMBAAD_SCAN_KERNEL if that is set, else the fastest that
            works (float64 is left to the reference).

    Raises:
        UsageError: there is no such engine.
        DeviceError: the engine that was asked for cannot run here, or not on this device.
    """
    name = kernel if kernel != "auto" else env.SCAN_KERNEL.get()
    if name == "auto":
        return next(name for name in PROBES if _takes(name, device, dtype) and PROBES[name]().usable)
    if name not in PROBES:
        raise UsageError(f"unknown scan kernel {name!r}", f"choose one of: auto, {', '.join(PROBES)}")
    found = PROBES[name]()
    if not found.usable:
        raise DeviceError(f"the scan kernel {name!r} cannot run here: {found.reason}", found.hint)
    if not _takes(name, device, dtype):
        raise DeviceError(
            f"the scan kernel {name!r} cannot take {str(dtype).removeprefix('torch.')} on {device}",
            "let `auto` choose, or force `reference`",
        )
    return name


def _takes(name: str, device: torch.device, dtype: torch.dtype) -> bool:
    """Whether an engine runs on this device and dtype."""
    devices = {
        "mamba-ssm": {"cuda"},
        "triton": {"cuda", "xpu"} | ({"cpu"} if _triton_interpreted() else set()),
        "cpu": {"cpu"},
    }
    return name == "reference" or (device.type in devices[name] and dtype != torch.float64)


def _triton_interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"


def _cpu() -> Kernel:
    if importlib.util.find_spec("numba") is None:
        return Kernel("cpu", False, "numba is not installed", "pip install numba")
    return Kernel("cpu", True, f"compiled by Numba, {torch.get_num_threads()} threads")


def _triton() -> Kernel:
    if importlib.util.find_spec("triton") is None:
        return Kernel("triton", False, "triton is not installed", "install torch with GPU support")
    if _triton_interpreted():
        return Kernel("triton", True, "interpreted on the CPU, for tests")
    if not (torch.cuda.is_available() or torch.xpu.is_available()):
        return Kernel("triton", False, "torch sees no GPU")
    return Kernel("triton", True, "compiled by Triton on first use")


def _mamba_ssm() -> Kernel:
    extra = "pip install 'mambaad[cuda]'"
    if importlib.util.find_spec("mamba_ssm") is None:
        return Kernel("mamba-ssm", False, "mamba-ssm is not installed", extra)
    try:
        interface = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
        compiled = getattr(interface, "selective_scan_cuda", None) is not None
    except ImportError as error:
        return Kernel("mamba-ssm", False, f"mamba-ssm does not import: {error}", extra)
    if not compiled:
        return Kernel("mamba-ssm", False, "this mamba-ssm comes without its CUDA kernel", extra)
    if not torch.cuda.is_available():
        return Kernel("mamba-ssm", False, "torch sees no CUDA GPU")
    return Kernel("mamba-ssm", True, "CUDA kernel of mamba-ssm")


def _reference() -> Kernel:
    return Kernel("reference", True, "plain torch, any device, slow")


PROBES = {"mamba-ssm": _mamba_ssm, "triton": _triton, "cpu": _cpu, "reference": _reference}
"""Engine -> what it needs on this machine; of those for one device, the fastest first."""
