"""The cpu kernel against the reference in float64."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from mambaad_cli.scan import DIRECTIONS, METHODS
from mambaad_cli.scan.kernels import hybrid_scan, low_rank_scan
from mambaad_cli.scan.orders import scan_order

SHAPES = [(8, 8, 80, 16), (5, 7, 24, 5)]  # height, width, E, N: whole vectors and odd ends


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("directions", DIRECTIONS)
@pytest.mark.parametrize(("height", "width", "E", "N"), SHAPES)
def test_output_and_gradients(
    method, directions, height, width, E, N, scan_arguments, gradients, relative_error
):
    order = scan_order(method, height, width, directions)
    arguments = scan_arguments(K=directions, L=height * width, E=E, N=N)
    actual = gradients(functools.partial(hybrid_scan, order=order, kernel="cpu"), arguments)
    exact = gradients(functools.partial(hybrid_scan, order=order), arguments, torch.float64)
    for name, *pair in zip(["y", *arguments], actual, exact, strict=True):
        assert relative_error(*pair) < 3e-6, name


@pytest.mark.parametrize(("height", "width", "E", "N"), SHAPES)
@pytest.mark.parametrize("R", [1, 20])
def test_low_rank_output_and_gradients(height, width, E, N, R, low_rank_arguments, gradients, relative_error):
    order = scan_order("hilbert", height, width, 4)
    arguments = low_rank_arguments(L=height * width, E=E, N=N, R=R)
    actual = gradients(functools.partial(low_rank_scan, order=order, kernel="cpu"), arguments)
    exact = gradients(functools.partial(low_rank_scan, order=order), arguments, torch.float64)
    for name, *pair in zip(["y", *arguments], actual, exact, strict=True):
        assert relative_error(*pair) < 3e-6, name


@pytest.mark.parametrize("bias", [-30.0, -12.0, 0.0, 15.0, 60.0])
def test_low_rank_steps_from_nearly_none_to_huge(bias, low_rank_arguments, gradients, relative_error):
    order = scan_order("hilbert", 6, 6, 2)
    arguments = low_rank_arguments(K=2, L=36)
    arguments["dt_bias"] = torch.full_like(arguments["dt_bias"], bias)
    arguments["D"].zero_()  # or D * u hides an error of the states
    actual = gradients(functools.partial(low_rank_scan, order=order, kernel="cpu"), arguments)
    exact = gradients(functools.partial(low_rank_scan, order=order), arguments, torch.float64)
    for name, *pair in zip(["y", *arguments], actual, exact, strict=True):
        assert relative_error(*pair) < 5e-6, name


def long_scan(u, delta, A, B, C):
    """One direction in visiting order, in float64 NumPy."""
    u, delta, A, B, C = (x[0].double().numpy() for x in (u, delta, A, B, C))
    state, y = np.zeros(A.shape), np.empty(u.shape)
    for t in range(len(u)):
        step = delta[0, t][:, None]
        state = np.exp(step * A) * state + step * u[t][:, None] * B[0, t]
        y[t] = state @ C[0, t]
    return torch.from_numpy(y)[None]


@pytest.mark.parametrize("name", ["trained", "minute", "constant", "large", "fast decay"])
def test_long_sequences_and_extreme_steps(name, scan_arguments, relative_error):
    length = 65_536
    arguments = scan_arguments(batch=1, K=1, L=length, E=4, N=4)
    arguments["D"].zero_()
    steps = torch.rand(1, 1, length, 4, generator=torch.Generator().manual_seed(2))
    arguments["delta"] = {
        "trained": arguments["delta"],
        "minute": steps * 1e-6,
        "constant": torch.full_like(steps, 1.1e-5),
        "large": steps * 50,
        "fast decay": steps * 0.1,
    }[name]
    if name in {"large", "fast decay"}:
        arguments["A"] = torch.full_like(arguments["A"], -64.0)
    y = hybrid_scan(**arguments, order=torch.arange(length)[None], kernel="cpu")
    del arguments["D"]
    assert relative_error(y, long_scan(**arguments)) < 1e-5


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_two_runs_agree_to_the_last_bit(threads, low_rank_arguments, gradients):
    scan = functools.partial(low_rank_scan, order=scan_order("hilbert", 8, 8, 8), kernel="cpu")
    arguments = low_rank_arguments(batch=3, K=8, L=64, E=192)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        first, second = gradients(scan, arguments), gradients(scan, arguments)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_threads_share_the_directions_of_a_small_map(scan_arguments, gradients, relative_error):
    scan = functools.partial(hybrid_scan, order=scan_order("scan", 5, 5, 8), kernel="cpu")
    arguments = scan_arguments(batch=1, K=8, L=25, E=32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = gradients(scan, arguments)
        torch.set_num_threads(6)
        shared = gradients(scan, arguments)
    finally:
        torch.set_num_threads(before)
    assert max(relative_error(*pair) for pair in zip(shared, alone, strict=True)) < 1e-6


def test_the_caller_keeps_its_smallest_numbers(scan_arguments):
    hybrid_scan(**scan_arguments(), order=scan_order("scan", 3, 4, 4), kernel="cpu")
    assert torch.tensor([1e-40]).mul(1.0).item() > 0  # the kernel's threads flush them to zero, no other


def test_strided_inputs_give_the_same_as_contiguous_ones(scan_arguments):
    order = scan_order("scan", 4, 6, 4)
    arguments = scan_arguments(L=24)
    strided = {name: x.transpose(0, -1).contiguous().transpose(0, -1) for name, x in arguments.items()}
    assert torch.equal(
        hybrid_scan(**strided, order=order, kernel="cpu"), hybrid_scan(**arguments, order=order, kernel="cpu")
    )


def test_bfloat16_is_computed_in_float32(scan_arguments):
    order = scan_order("scan", 3, 4, 4)
    arguments = {name: x.bfloat16() for name, x in scan_arguments().items()}
    y = hybrid_scan(**arguments, order=order, kernel="cpu")
    exact = hybrid_scan(**{name: x.float() for name, x in arguments.items()}, order=order, kernel="cpu")
    assert torch.equal(y, exact.bfloat16())


PROGRAM = """
import json, torch
{before}
from mambaad_cli.scan.kernels import cpu_loops, hybrid_scan
one = torch.ones(1, 4, 1)
arguments = (one, one[None], -one[:, :1], one[None], one[None], one[0, :1], torch.arange(4)[None])
result = {{"finite": hybrid_scan(*arguments, kernel="cpu").isfinite().all().item()}}
result["from cache"] = sum(cpu_loops.forward.stats.cache_hits.values())
if not result["from cache"]:
    loops = (cpu_loops.forward, cpu_loops.backward)
    result["assembly"] = [code for loop in loops for code in loop.inspect_asm().values()]
print(json.dumps(result))
"""


def run_program(cache, before=""):
    """Scan in a process of its own that keeps its compiled code in the folder `cache`."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("numba")


@pytest.fixture(scope="module")
def first_process(cache):
    return run_program(cache)


def test_the_second_process_finds_the_compiled_code(first_process, cache):
    assert first_process["from cache"] == 0
    second = run_program(cache)
    assert second["from cache"] == 1
    assert second["finite"]


def test_the_machine_code_works_on_vectors(first_process):
    for assembly in first_process["assembly"]:
        packed = re.findall(r"\bv?(?:mulps|fmadd\d+ps)\b|\b(?:fmla|fmul)(?:\.4s|\s+v)", assembly)
        single = re.findall(r"\bv?(?:mulss|fmadd\d+ss)\b|\b(?:fmadd|fmul)\s+s", assembly)
        assert len(packed) > 50
        assert not single
        assert not re.search(r"call\w*\s+.*\bexp", assembly)


def test_runs_where_no_folder_can_be_written(tmp_path):
    nowhere = "from numba.core.caching import CompileResultCacheImpl as cache; cache._locator_classes = []"
    result = run_program(tmp_path, before=nowhere)
    assert result["finite"]
    assert not list(tmp_path.iterdir())
