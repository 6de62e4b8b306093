"""The networks of the paper's ablations: as large as it prints, and able to learn with every weight."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.recipe import ModelConfig, load_recipe

# Millions of parameters, printed in tables 3 and 4.
PRINTED = {
    "ablation/branches-local": 13.0,
    "ablation/branches-global": 22.5,
    "ablation/encoder-resnet18-shallow": 14.6,
    "ablation/encoder-resnet18": 20.3,
    "ablation/encoder-resnet34-shallow": 20.0,
    "ablation/encoder-resnet34-late": 26.1,
    "ablation/encoder-resnet50": 251.0,
    "ablation/encoder-wide_resnet50": 268.0,
    "mvtec": 25.7,
}


@pytest.mark.parametrize(("name", "millions"), PRINTED.items())
def test_as_many_parameters_as_the_paper_prints(name: str, millions: float) -> None:
    with torch.device("meta"):
        model = MambaAD(load_recipe(name).model)
    # The published count holds index tables and some 3x3 weights that are never used: up to 0.4 %.
    assert sum(weight.numel() for weight in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.005)


@pytest.mark.parametrize("branches", [{"kernels": ()}, {"hss": False}])
def test_one_branch_alone_learns_with_every_weight(branches: dict[str, Any]) -> None:
    torch.manual_seed(0)
    small = {"encoder": "tf_efficientnet_lite0", "depths": (2, 2, 2, 2), "directions": 2, "state": 2}
    model = MambaAD(ModelConfig(**{**small, "kernels": (3,), **branches}))
    teacher, student = model(torch.randn(1, 3, 64, 64))
    assert [one.shape for one in student] == [one.shape for one in teacher]
    torch.autograd.backward(sum(one.square().sum() for one in student))
    for name, weight in model.decoder.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
