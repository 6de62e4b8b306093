"""The mamba-ssm engine against a stand-in with the signature and the demands of its CUDA kernel."""

from __future__ import annotations

import functools
import sys
from types import ModuleType

import pytest
import torch

from mambaad_cli.scan import METHODS
from mambaad_cli.scan.kernels import hybrid_scan, mamba_scan
from mambaad_cli.scan.orders import scan_order


def selective_scan_fn(
    u, delta, A, B, C, D=None, z=None, delta_bias=None, delta_softplus=False, return_last_state=False
):
    """u, delta (batch, dim, L); A (dim, N); B, C (batch, groups, N, L); D (dim) -> (batch, dim, L)."""
    assert z is None
    assert delta_bias is None
    assert not delta_softplus
    assert not return_last_state
    (batch, dim, L), N = u.shape, A.shape[1]
    groups = B.shape[1]
    assert delta.shape == u.shape
    assert A.shape == (dim, N)
    assert B.shape == C.shape == (batch, groups, N, L)
    assert D.shape == (dim,)
    assert all(x.dtype == torch.float32 for x in (u, delta, A, B, C, D))
    assert all(x.stride(-1) == 1 for x in (u, delta, B, C))
    B, C = (x.repeat_interleave(dim // groups, dim=1) for x in (B, C))  # (batch, dim, N, L)
    state, outputs = u.new_zeros(batch, dim, N), []
    for t in range(L):
        state = torch.exp(delta[:, :, t, None] * A) * state + (delta * u)[:, :, t, None] * B[..., t]
        outputs.append((state * C[..., t]).sum(-1))
    return torch.stack(outputs, dim=-1) + u * D[:, None]


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.selective_scan_interface"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    module = sys.modules["mamba_ssm.ops.selective_scan_interface"]
    monkeypatch.setattr(module, "selective_scan_fn", selective_scan_fn, raising=False)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("directions", [2, 8])
def test_output_and_gradients(method, directions, scan_arguments, gradients, relative_error):
    order = scan_order(method, 3, 5, directions)
    arguments = scan_arguments(K=directions, L=15, E=6, N=4)
    actual = gradients(functools.partial(mamba_scan.hybrid_scan, order=torch.tensor(order)), arguments)
    exact = gradients(functools.partial(hybrid_scan, order=order), arguments, torch.float64)
    for name, *pair in zip(["y", *arguments], actual, exact, strict=True):
        assert relative_error(*pair) < 3e-6, name
