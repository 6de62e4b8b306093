"""The doctor names what is there, and survives what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from mambaad_cli import env


def test_versions_kernels_and_folders(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad("doctor", "--json")
    assert outcome.code == 0
    found = outcome.json
    assert torch.__version__.startswith(found["versions"]["torch"])
    assert {kernel["name"] for kernel in found["scan_kernels"]} >= {"cpu", "reference"}
    assert all(kernel["usable"] for kernel in found["scan_kernels"] if kernel["name"] in ("cpu", "reference"))
    assert set(found["settings"]) == {variable.name for variable in env.VARIABLES}
    text = mambaad("doctor").out
    assert max(len(line) for line in text.splitlines() if "/" not in line) <= 80


def test_a_forced_kernel_that_cannot_run_is_told_not_raised(
    mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(env.SCAN_KERNEL.name, "warp")
    outcome = mambaad("doctor", "-q")
    assert outcome.code == 0
    assert outcome.out.startswith("none: unknown scan kernel")
