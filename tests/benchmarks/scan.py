"""How fast is the scan, alone and in the network, next to other ways to compute the same?

    python tests/benchmarks/scan.py                      # everything, a few minutes on two cores
    python tests/benchmarks/scan.py scan training --runs 9 --json scan.json

scan      The 16 scans of the paper's network at 256 px, batch 1: the cpu kernel given step sizes
          (`hybrid_scan`) or their low-rank factors (`low_rank_scan`, as the network has them), and the
          yardstick, a plain C++ loop built with -O3 -march=native -ffast-math -fopenmp (left out where there
          is no g++).
network   A whole forward pass: with the cpu kernel, in bfloat16 autocast, with the scan replaced by identity,
          and with the scan written the usual way in torch, one step at a time over gathered copies.
training  One step (forward, backward, AdamW) at batch 4 next to the evaluation forward; its peak memory.
sizes     Time per pixel from 256 to 1024 px: the scans alone, and the network. Each turn does as many pixels.
batches   The 16 scans at batch 1 and 16, on one thread and on all.

The ways of one table run in turn in one process; a time is the median over the runs.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table

from mambaad_cli.model import hss
from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.scan.kernels import hybrid_scan, low_rank_scan
from mambaad_cli.scan.orders import scan_order

BLOCKS = ((8, 1024, 3), (16, 512, 4), (32, 256, 6), (64, 128, 3))  # map side, E, how many, at 256 px
K, N = 8, 16
Row = dict[str, float | str]

YARDSTICK = r"""
#include <cmath>
#include <vector>
extern "C" void scan(const float* u, const float* delta, const float* A, const float* B, const float* C,
                     const float* D, const int* order, float* y, long batch, long K, long L, long E, long N) {
  const long W = 32;  // channels of a task
  #pragma omp parallel for collapse(2)
  for (long b = 0; b < batch; b++) for (long e0 = 0; e0 < E; e0 += W) {
    std::vector<float> state(N * W);
    for (long k = 0; k < K; k++) {
      for (auto& h : state) h = 0;
      for (long t = 0; t < L; t++) {
        const long p = order[k * L + t], at = (b * K + k) * L + p;
        const float *step = delta + at * E + e0, *pixel = u + (b * L + p) * E + e0;
        float out[W], drive[W];
        for (long e = 0; e < W; e++) { out[e] = D[k * E + e0 + e] * pixel[e]; drive[e] = step[e] * pixel[e]; }
        for (long n = 0; n < N; n++) {
          const float in = B[at * N + n], weight = C[at * N + n];
          const float* rate = A + (k * N + n) * E + e0;
          float* h = state.data() + n * W;
          #pragma omp simd
          for (long e = 0; e < W; e++) {
            h[e] = std::exp(step[e] * rate[e]) * h[e] + drive[e] * in;
            out[e] += h[e] * weight;
          }
        }
        float* result = y + (b * L + p) * E + e0;
        for (long e = 0; e < W; e++) result[e] += out[e];
      }
    }
  }
}
"""


def in_turn(ways: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median seconds of each way; the first round, in which code is compiled, does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times[1:]) for name, times in seconds.items()}


class Scan:
    """The arguments of one scan, in the form of either entry."""

    def __init__(self, side: int, E: int, batch: int) -> None:
        torch.manual_seed(0)
        L, R = side * side, max(1, E // 32)
        self.u = torch.randn(batch, L, E)
        self.projected = torch.randn(batch, L, K, R + 2 * N) * 0.5
        self.weight, self.bias = torch.randn(K, E, R) * R**-0.5, torch.randn(K, E) - 4
        self.A, self.D = -torch.arange(1.0, N + 1).expand(K, E, N).contiguous(), torch.ones(K, E)
        self.order = torch.tensor(scan_order("hilbert", side, side, K))
        low, B, C = self.projected.transpose(1, 2).split([R, N, N], dim=-1)
        self.B, self.C = B.contiguous(), C.contiguous()
        self.delta = F.softplus(low @ self.weight.transpose(1, 2) + self.bias[:, None])

    def hybrid(self) -> torch.Tensor:
        return hybrid_scan(self.u, self.delta, self.A, self.B, self.C, self.D, self.order, kernel="cpu")

    def low_rank(self) -> torch.Tensor:
        arguments = (self.u, self.projected, self.weight, self.bias, self.A, self.D)
        return low_rank_scan(*arguments, self.order, kernel="cpu")


def build_yardstick() -> Callable[[Scan], torch.Tensor] | None:
    """The C++ loop as a function of a Scan, or None without a compiler."""
    if shutil.which("g++") is None:
        return None
    folder = Path(tempfile.mkdtemp())
    (folder / "scan.cpp").write_text(YARDSTICK)
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, "scan.cpp", "-o", "scan.so"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "scan.so"))

    def scan(arguments: Scan) -> torch.Tensor:
        a = arguments
        y = torch.zeros_like(a.u)
        tensors = (a.u, a.delta, a.A.transpose(1, 2).contiguous(), a.B, a.C, a.D, a.order, y)
        sizes = (a.u.shape[0], K, *a.u.shape[1:], N)
        pointers = (ctypes.c_void_p(x.data_ptr()) for x in tensors)
        library.scan(*pointers, *map(ctypes.c_long, sizes))
        return y

    return scan


def bench_scan(runs: int) -> list[Row]:
    yardstick = build_yardstick()
    blocks = [(Scan(side, E, batch=1), count) for side, E, count in BLOCKS]
    ways: dict[str, Callable[[Scan], torch.Tensor]] = {
        "hybrid_scan": Scan.hybrid,
        "low_rank_scan": Scan.low_rank,
    }
    if yardstick:
        ways["C++ loop"] = yardstick
    for scan, _ in blocks:
        for name, way in ways.items():
            torch.testing.assert_close(way(scan), scan.hybrid(), rtol=1e-3, atol=1e-3, msg=name)

    def all_blocks(way: Callable[[Scan], torch.Tensor]) -> Callable[[], None]:
        return lambda: [way(scan) for scan, count in blocks for _ in range(count)] and None

    with torch.no_grad():
        seconds = in_turn({name: all_blocks(way) for name, way in ways.items()}, runs)
    yard = seconds.get("C++ loop", float("nan"))
    return [{"way": name, "seconds": value, "x C++": value / yard} for name, value in seconds.items()]


def usual_scan(u, projected, dt_weight, dt_bias, A, D, order):
    """`low_rank_scan` as published without CUDA: K gathered copies, one step of torch at a time."""
    R, N = dt_weight.shape[2], A.shape[2]
    order = torch.tensor(order).long()
    sequences = u.transpose(1, 2)[:, :, order].transpose(1, 2)  # (batch, K, E, L)
    index = order[None, :, None].expand(len(u), -1, projected.shape[3], -1)
    low, B, C = projected.permute(0, 2, 3, 1).gather(3, index).split([R, N, N], dim=2)  # (batch, K, ., L)
    delta = F.softplus(torch.einsum("bkrl,ker->bkel", low, dt_weight) + dt_bias[..., None])
    decay = torch.exp(torch.einsum("bkel,ken->bkeln", delta, A))
    gain = torch.einsum("bkel,bknl,bkel->bkeln", delta, B, sequences)
    state, outputs = torch.zeros_like(gain[:, :, :, 0]), []
    for t in range(u.shape[1]):
        state = decay[:, :, :, t] * state + gain[:, :, :, t]
        outputs.append(torch.einsum("bken,bkn->bke", state, C[..., t]))
    y = torch.stack(outputs, dim=-1) + sequences * D[..., None]
    back = order.argsort(dim=1)[None, :, None].expand_as(y)
    return y.gather(3, back).sum(1).transpose(1, 2)


@contextmanager
def scan_replaced(scan):
    """HSS blocks that call another function than `low_rank_scan`."""
    hss.low_rank_scan = scan
    try:
        yield
    finally:
        hss.low_rank_scan = low_rank_scan


def bench_network(runs: int) -> list[Row]:
    torch.manual_seed(0)
    network, image = MambaAD().eval(), torch.randn(1, 3, 256, 256)

    def with_scan(scan: Callable[..., torch.Tensor]) -> None:
        with scan_replaced(scan):
            network(image)

    def autocast() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            network(image)

    ways = {
        "cpu kernel": lambda: network(image),
        "cpu kernel, bfloat16 autocast": autocast,
        "no scan (identity)": lambda: with_scan(lambda u, *rest: u),
    }
    with torch.no_grad():
        seconds = in_turn(ways, runs)
        seconds |= in_turn({"usual torch scan": lambda: with_scan(usual_scan)}, 1)
        with scan_replaced(usual_scan):
            usual = network(image)[1]
        for ours, theirs in zip(network(image)[1], usual, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
    base = seconds["cpu kernel"]
    return [{"way": name, "seconds": value, "x cpu kernel": value / base} for name, value in seconds.items()]


def training_step() -> tuple[Callable[[], None], Callable[[], None]]:
    """(evaluation forward, training step) of one network on one batch of 4."""
    torch.manual_seed(0)
    network, images = MambaAD(), torch.randn(4, 3, 256, 256)
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-4)

    def evaluate() -> None:
        network.eval()
        with torch.no_grad():
            network(images)

    def step() -> None:
        network.train()
        teacher, student = network(images)
        loss = sum(F.mse_loss(ours, truth) for ours, truth in zip(student, teacher, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return evaluate, step


def print_peak_memory() -> None:
    """Two training steps in a process of their own: the peak of its memory in GB."""
    import resource

    _, step = training_step()
    step()
    step()
    unit = 1e9 if sys.platform == "darwin" else 1e6
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def bench_training(runs: int) -> list[Row]:
    evaluate, step = training_step()
    seconds = in_turn({"evaluation forward": evaluate, "training step": step}, runs)
    command = [sys.executable, __file__, "--peak-memory"]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    base = seconds["evaluation forward"]
    rows: list[Row] = [{"way": name, "seconds": s, "x forward": s / base} for name, s in seconds.items()]
    rows[1]["peak GB"] = float(peak)
    return rows


def bench_sizes(runs: int) -> list[Row]:
    torch.manual_seed(0)
    network = MambaAD().eval()
    ways: dict[str, Callable[[], object]] = {}
    for size in (256, 512, 1024):
        scans = [(Scan(side * size // 256, E, batch=1), count) for side, E, count in BLOCKS]
        image = torch.randn(1, 3, size, size)
        times = (1024 // size) ** 2

        def run_scans(scans: list[tuple[Scan, int]] = scans, times: int = times) -> None:
            for _ in range(times):
                for scan, count in scans:
                    for _ in range(count):
                        scan.low_rank()

        def run_network(image: torch.Tensor = image, times: int = times) -> None:
            for _ in range(times):
                network(image)

        ways |= {f"scans at {size} px": run_scans, f"network at {size} px": run_network}
    with torch.no_grad():
        seconds = in_turn(ways, max(1, runs // 2))
    rows: list[Row] = []
    for name, value in sorted(seconds.items(), key=lambda item: item[0].split()[0], reverse=True):
        per_pixel, base = value / 1024**2, seconds[f"{name.split()[0]} at 256 px"]
        rows.append({"way": name, "us per pixel": per_pixel * 1e6, "x 256 px": value / base})
    return rows


def bench_batches(runs: int) -> list[Row]:
    rows: list[Row] = []
    threads = torch.get_num_threads()
    for batch in (1, 16):
        scans = [(Scan(side, E, batch), count) for side, E, count in BLOCKS]

        def run(count_threads: int, scans: list[tuple[Scan, int]] = scans) -> None:
            torch.set_num_threads(count_threads)
            for scan, count in scans:
                for _ in range(count):
                    scan.low_rank()

        with torch.no_grad():
            ways = {f"{n} threads": lambda n=n: run(n) for n in (1, threads)}
            seconds = in_turn(ways, max(1, runs // 2))
        torch.set_num_threads(threads)
        base = seconds["1 threads"]
        rows += [
            {"way": f"batch {batch}, {n}", "seconds": s, "per picture": s / batch, "speed-up": base / s}
            for n, s in seconds.items()
        ]
    return rows


BENCHMARKS = {
    "scan": bench_scan,
    "network": bench_network,
    "training": bench_training,
    "sizes": bench_sizes,
    "batches": bench_batches,
}


def print_table(title: str, rows: list[Row]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = Table(*columns, title=title)
    for row in rows:
        cells = (row.get(column, "") for column in columns)
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of: {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--peak-memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_memory:
        print_peak_memory()
        return
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    results = {}
    for name in arguments.names or BENCHMARKS:
        results[name] = BENCHMARKS[name](arguments.runs)
        print_table(name, results[name])
    if arguments.json:
        machine = {"machine": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
        versions = {"torch": torch.__version__, "numpy": np.__version__}
        arguments.json.write_text(json.dumps({**machine, **versions, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
