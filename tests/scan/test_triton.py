"""The Triton kernel in Triton's interpreter against the reference in float64: output and gradients."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mambaad_cli.scan import DIRECTIONS, METHODS

CASES = [f"{method} {directions}" for method in METHODS for directions in DIRECTIONS]
CASES += ["one chunk", "long", "one pixel"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is published for Linux only"
)


@pytest.fixture(scope="module")
def measured():
    program = Path(__file__).with_name("triton_cases.py")
    result = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False, timeout=900
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("case", CASES)
def test_float32(case, measured):
    assert max(measured[case].values()) < 2e-6, measured[case]


def test_bfloat16_is_off_by_its_last_rounding_only(measured):
    assert max(measured["bfloat16"].values()) < 2**-7
