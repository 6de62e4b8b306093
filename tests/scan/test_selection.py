from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch

from mambaad_cli.errors import DeviceError, UsageError
from mambaad_cli.scan.kernels import available_kernels, hybrid_scan
from mambaad_cli.scan.kernels.selection import choose
from mambaad_cli.scan.orders import scan_order

CPU = torch.device("cpu")


def status(name):
    return next(kernel for kernel in available_kernels() if kernel.name == name)


@pytest.fixture
def without(monkeypatch):
    """Hides a module from import."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


def test_every_kernel_is_listed_with_a_reason():
    kernels = available_kernels()
    assert [kernel.name for kernel in kernels] == ["mamba-ssm", "triton", "cpu", "reference"]
    assert all(kernel.reason for kernel in kernels)
    assert status("cpu").usable
    assert status("reference").usable


def test_auto_takes_the_cpu_kernel_but_leaves_float64_to_the_reference():
    assert choose("auto", CPU, torch.float32) == "cpu"
    assert choose("auto", CPU, torch.bfloat16) == "cpu"
    assert choose("auto", CPU, torch.float64) == "reference"


def test_auto_falls_back_to_the_reference_on_a_device_that_nothing_else_knows():
    assert choose("auto", torch.device("meta"), torch.float32) == "reference"


def test_auto_does_without_numba(without):
    without("numba")
    assert choose("auto", CPU, torch.float32) == "reference"
    with pytest.raises(DeviceError, match="numba is not installed") as error:
        choose("cpu", CPU, torch.float32)
    assert "pip install numba" in error.value.hint


def test_the_environment_forces_a_kernel_and_an_argument_beats_it(monkeypatch, scan_arguments):
    monkeypatch.setenv("MAMBAAD_SCAN_KERNEL", "reference")
    assert choose("auto", CPU, torch.float32) == "reference"
    assert choose("cpu", CPU, torch.float32) == "cpu"
    arguments, order = scan_arguments(), scan_order("scan", 3, 4, 4)
    assert torch.equal(
        hybrid_scan(**arguments, order=order), hybrid_scan(**arguments, order=order, kernel="reference")
    )


def test_an_unknown_kernel_names_the_known_ones():
    with pytest.raises(UsageError, match="abacus") as error:
        choose("abacus", CPU, torch.float32)
    assert "reference" in error.value.hint


def test_forcing_the_cpu_kernel_on_float64_is_an_error():
    with pytest.raises(DeviceError, match="cannot take float64"):
        choose("cpu", CPU, torch.float64)


def test_a_forced_kernel_that_is_not_installed_names_the_extra(without):
    without("mamba_ssm")
    with pytest.raises(DeviceError, match="not installed") as error:
        choose("mamba-ssm", CPU, torch.float32)
    assert "mambaad[cuda]" in error.value.hint


@pytest.mark.parametrize("compiled", [None, ModuleType("selective_scan_cuda")])
def test_a_mamba_ssm_without_its_cuda_kernel_is_not_usable(compiled, monkeypatch):
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.selective_scan_interface"):
        module = ModuleType(name)
        module.__spec__ = sys.__spec__
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["mamba_ssm.ops.selective_scan_interface"].selective_scan_cuda = compiled
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    kernel = status("mamba-ssm")
    assert kernel.usable == (compiled is not None)
    if compiled is None:
        assert "without its CUDA kernel" in kernel.reason
    else:
        assert choose("auto", torch.device("cuda"), torch.float32) == "mamba-ssm"
        assert choose("auto", CPU, torch.float32) == "cpu"
