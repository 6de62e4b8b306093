"""What this machine is and offers: for the record of a run, and for `mambaad doctor`."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import torch

from mambaad_cli import env
from mambaad_cli.engine.device import choose_device
from mambaad_cli.errors import MambaadError
from mambaad_cli.scan.kernels import available_kernels
from mambaad_cli.scan.kernels.selection import choose

PACKAGES = ("mambaad", "torch", "timm", "numba", "numpy")


def environment() -> dict[str, Any]:
    """Versions, platform and devices of this process."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "versions": {package: version(package) for package in PACKAGES},
    }


def diagnose() -> dict[str, Any]:
    """The environment, and what mambaad makes of it: device, scan kernels, folders, settings."""
    device = choose_device()
    folders = {"data": env.data_root(), "runs": env.runs_root(), "cache": env.cache_root()}
    return {
        **environment(),
        "device": str(device),
        "scan_kernel": _chosen_kernel(device),
        "scan_kernels": [vars(kernel) for kernel in available_kernels()],
        "folders": {name: str(path.absolute()) for name, path in folders.items()},
        "settings": {variable.name: variable.get() for variable in env.VARIABLES},
    }


def _chosen_kernel(device: torch.device) -> str:
    try:
        return str(choose("auto", device, torch.float32))
    except MambaadError as error:  # a forced kernel that cannot run is just what a diagnosis is for
        return f"none: {error}"
