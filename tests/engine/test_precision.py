"""Precision, portions and recomputation: what they may change, and what not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mambaad_cli.engine import step
from mambaad_cli.engine.checkpoint import load_checkpoint

Log = Callable[[Path], list[dict[str, Any]]]


def test_recomputed_activations_give_the_same_training_to_the_last_bit(
    tiny: Path, mambaad: Callable[..., Any], assert_same_training: Callable[..., None]
) -> None:
    settings = ("model.drop_path=0.5", "-q")  # what was dropped must be dropped again
    kept = Path(mambaad("train", tiny, *settings, "name=kept").out.strip())
    again = Path(mambaad("train", tiny, *settings, "name=again", "train.recompute=true").out.strip())
    assert_same_training(kept, again)


def test_recomputing_keeps_fewer_activations(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: Any
) -> None:
    losses, kept = step._losses, {}

    def count(*arguments: Any) -> Any:
        sizes: list[int] = []

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            result = losses(*arguments)
        kept[name] = sum(sizes)
        return result

    monkeypatch.setattr(step, "_losses", count)
    for name in ("false", "true"):
        assert mambaad("train", tiny, f"train.recompute={name}", "train.epochs=1").code == 0
    assert kept["true"] < 0.5 * kept["false"]


def test_portions_add_up_to_the_gradient_of_the_batch(
    tiny: Path, mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without batch statistics, which are of a portion, the mean over portions is that over the batch."""
    from mambaad_cli.model.processes import BatchNorm

    train = BatchNorm.train
    monkeypatch.setattr(BatchNorm, "train", lambda self, mode=True: train(self, False))
    words = ("train.epochs=1", "train.batch_size=12", "model.drop_path=0", "-q")
    whole = Path(mambaad("train", tiny, *words, "name=whole").out.strip())
    parts = Path(mambaad("train", tiny, *words, "name=parts", "train.accumulate=3").out.strip())
    # AdamW's first moment after one step is a tenth of the (clipped) gradient.
    ours, theirs = (load_checkpoint(run)["optimizer"]["state"] for run in (parts, whole))
    for number, state in theirs.items():
        torch.testing.assert_close(ours[number]["exp_avg"], state["exp_avg"], rtol=1e-3, atol=1e-6)


def test_bfloat16_products_learn_like_float32(tiny: Path, mambaad: Callable[..., Any], log: Log) -> None:
    words = ("train.epochs=8", "optim.lr=0.001", "-q")
    exact = log(Path(mambaad("train", tiny, *words, "name=fp32").out.strip()))
    rough_run = Path(mambaad("train", tiny, *words, "name=bf16", "--precision", "bf16").out.strip())
    rough = log(rough_run)
    assert "precision: bf16" in (rough_run / "recipe.yaml").read_text()
    assert rough != exact
    for ours, theirs in zip(rough, exact, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.05)
    assert all(value.dtype != torch.bfloat16 for value in load_checkpoint(rough_run)["model"].values())


def test_the_scans_state_stays_float32(tiny: Path, mambaad: Callable[..., Any], monkeypatch: Any) -> None:
    from mambaad_cli.scan.kernels import cpu_loops

    forward, seen = cpu_loops.forward, set()

    def spy(*arrays: Any) -> None:
        seen.update(str(array.dtype) for array in arrays[:12] if hasattr(array, "dtype"))
        forward(*arrays)

    monkeypatch.setattr(cpu_loops, "forward", spy)
    assert mambaad("train", tiny, "train.epochs=1", "--precision", "bf16").code == 0
    assert seen == {"float32", "int32"}


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--precision", "fp16"], 5, "fp16 needs a GPU"),
        (["--precision", "fp8"], 2, "train.precision"),
        (["train.accumulate=3"], 2, "train.accumulate = 3 does not divide train.batch_size = 4"),
        (["train.batch_size=16", "train.accumulate=16"], 3, "12 training pictures"),
        (["train.patience=3"], 2, "data.holdout"),
    ],
)
def test_what_cannot_be_is_refused(
    tiny: Path, mambaad: Callable[..., Any], words: list[str], code: int, message: str
) -> None:
    outcome = mambaad("train", tiny, *words)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert not Path("runs").exists()
