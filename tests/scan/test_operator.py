"""Torch's own tools see the cpu kernel as one operator with a shape rule and a gradient."""

from __future__ import annotations

import pytest
import torch

from mambaad_cli.scan.kernels import cpu, low_rank_scan
from mambaad_cli.scan.orders import scan_order

ORDER = torch.tensor(scan_order("hilbert", 4, 5, 4))


class Block(torch.nn.Module):
    """The scan of an HSS block around a trainable projection."""

    def __init__(self, arguments):
        super().__init__()
        self.project = torch.nn.Linear(16, 4 * 35)
        for name in ("dt_weight", "dt_bias", "A", "D"):
            self.register_buffer(name, arguments[name])
        self.register_buffer("order", ORDER)

    def forward(self, u):
        projected = self.project(u).view(*u.shape[:2], 4, 35)
        return low_rank_scan(u, projected, self.dt_weight, self.dt_bias, self.A, self.D, self.order)


@pytest.fixture
def block(low_rank_arguments):
    torch.manual_seed(0)
    return Block(low_rank_arguments(L=20))


@pytest.fixture
def pixels():
    return torch.randn(2, 20, 16, generator=torch.Generator().manual_seed(3))


def operators(graph):
    return [node.target for node in graph.nodes if node.op == "call_function"]


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # opcheck's own doing
def test_passes_torch_opcheck(scan_arguments):
    a = scan_arguments(L=20)
    K, E = a["D"].shape
    inputs = (
        a["u"], a["delta"], torch.empty(2, K, 20, 0), torch.empty(K, 0, E), torch.zeros(K, E),
        a["A"].transpose(1, 2).contiguous(), a["B"], a["C"], a["D"], ORDER,
    )  # fmt: skip
    leaves = [x.requires_grad_() if x.is_floating_point() else x for x in inputs]
    torch.library.opcheck(cpu.cpu_scan, (*leaves, True))
    torch.library.opcheck(cpu.cpu_scan, (*(x.detach() for x in inputs), False))


def test_compiles_to_one_operator(block, pixels):
    graphs = []

    def backend(module, inputs):
        graphs.append(module.graph)
        return module.forward

    compiled = torch.compile(block, backend=backend, fullgraph=True)
    assert torch.equal(compiled(pixels), block(pixels))
    (graph,) = graphs
    assert operators(graph).count(torch.ops.mambaad.cpu_scan.default) == 1


def test_gradients_survive_compilation(block, pixels):
    block(pixels).square().sum().backward()
    expected = block.project.weight.grad.clone()
    block.zero_grad()
    torch.compile(block, backend="aot_eager", fullgraph=True)(pixels).square().sum().backward()
    torch.testing.assert_close(block.project.weight.grad, expected)


def test_exports_as_one_operator(block, pixels):
    program = torch.export.export(block.eval(), (pixels,))
    assert operators(program.graph).count(torch.ops.mambaad.cpu_scan.default) == 1
    assert torch.equal(program.module()(pixels), block(pixels))


def test_autocast_leaves_the_scan_in_float32(block, pixels):
    exact = block(pixels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = block(pixels)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, exact, rtol=0.05, atol=0.05)
