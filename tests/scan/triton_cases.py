"""Run the Triton kernel in Triton's interpreter and print its errors as JSON: {case: {argument: error}}.

A program of its own, because TRITON_INTERPRET has to be set before triton is imported.
"""

from __future__ import annotations

import json
import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import torch

from mambaad_cli.scan import DIRECTIONS, METHODS
from mambaad_cli.scan.kernels import hybrid_scan
from mambaad_cli.scan.orders import scan_order


def errors(method, directions, height, width, batch=1, E=3, N=2, dtype=torch.float32):
    torch.manual_seed(0)
    L = height * width
    arguments = {
        "u": torch.randn(batch, L, E),
        "delta": torch.rand(batch, directions, L, E) * 0.2,
        "A": -torch.rand(directions, E, N) * 16,
        "B": torch.randn(batch, directions, L, N),
        "C": torch.randn(batch, directions, L, N),
        "D": torch.randn(directions, E),
    }
    arguments = {name: x.to(dtype) for name, x in arguments.items()}
    order = scan_order(method, height, width, directions)
    weights = torch.randn(batch, L, E).to(dtype)

    def run(kernel, dtype):
        leaves = [x.to(dtype, copy=True).requires_grad_() for x in arguments.values()]
        y = hybrid_scan(*leaves, order=order, kernel=kernel)
        return [y, *torch.autograd.grad(y, leaves, weights.to(dtype))]

    pairs = zip(["y", *arguments], run("triton", dtype), run("reference", torch.float64), strict=True)
    return {name: ((x - exact).abs().max() / exact.abs().max()).item() for name, x, exact in pairs}


if __name__ == "__main__":
    cases = {}
    for method in METHODS:
        for directions in DIRECTIONS:
            cases[f"{method} {directions}"] = errors(method, directions, 3, 7)
    cases["one chunk"] = errors("hilbert", 2, 4, 4, E=4, N=4)
    cases["long"] = errors("hilbert", 2, 7, 11, batch=2, E=5, N=3)
    cases["one pixel"] = errors("sweep", 2, 1, 1, E=1, N=1)
    cases["bfloat16"] = errors("hilbert", 4, 3, 7, dtype=torch.bfloat16)
    json.dump(cases, sys.stdout)
