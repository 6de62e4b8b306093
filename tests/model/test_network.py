"""Every network that a recipe can ask for runs, learns, and keeps its teacher frozen."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mambaad_cli import MambaAD, env
from mambaad_cli.errors import DataError, NetworkError, RecipeError
from mambaad_cli.model.decoder import PatchExpand
from mambaad_cli.model.encoder import EMBEDDED, Encoder, load_weights
from mambaad_cli.model.hss import STEP_MAX, STEP_MIN, HSSBlock, drop_path
from mambaad_cli.recipe import ModelConfig
from mambaad_cli.scan import DIRECTIONS, METHODS

SMALL = {"encoder": EMBEDDED, "encoder_weights": "none", "depths": (2, 2, 2, 2)}


def images(size: int = 64) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("directions", DIRECTIONS)
def test_every_scan_runs_forward_and_backward(method: str, directions: int) -> None:
    model = MambaAD(ModelConfig(scan=method, directions=directions, **SMALL))
    teacher, student = model(images())
    assert [m.shape for m in teacher] == [m.shape for m in student]
    assert [tuple(m.shape) for m in student] == [(2, 24, 16, 16), (2, 40, 8, 8), (2, 112, 4, 4)]
    sum(m.square().mean() for m in student).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
        else:
            assert name.startswith("encoder."), name


@pytest.mark.parametrize(("height", "width"), [(96, 64), (32, 160)])
def test_rectangles_work(height: int, width: int) -> None:
    teacher, student = MambaAD(ModelConfig(**SMALL)).eval()(torch.randn(1, 3, height, width))
    assert [m.shape for m in teacher] == [m.shape for m in student]


def test_depths_make_the_published_modules() -> None:
    decoder = MambaAD().decoder
    assert [[len(module.hss) for module in stage] for stage in decoder.stages] == [[3], [2, 2], [3, 3], [3]]
    # The rate falls from 0.2 to 0 over 16 blocks; a module takes the one at its place in its stage's list.
    rates = [0.2 * (1 - i / 15) for i in range(16)]
    expected = [[rates[0]], [rates[3], rates[4]], [rates[7], rates[8]], [rates[13]]]
    found = [[module.hss[0].drop_path for module in stage] for stage in decoder.stages]
    assert [pytest.approx(e) for e in expected] == found


def test_teacher_stays_frozen_in_training() -> None:
    model = MambaAD(ModelConfig(**SMALL)).train()
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    _, student = model(images())
    sum(m.square().mean() for m in student).backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1).step()
    assert not model.encoder.training
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_step_sizes_start_in_mambas_range() -> None:
    block = HSSBlock(16, "hilbert", 8, state=16, expand=2, drop_path=0.0)
    steps = torch.nn.functional.softplus(block.dt_bias)
    assert STEP_MIN * 0.99 <= steps.min() <= steps.max() <= STEP_MAX * 1.01
    assert torch.allclose(block.A_log.exp(), torch.arange(1.0, 17.0).expand(8, 32, 16))


def test_drop_path_keeps_the_mean_and_drops_whole_pictures() -> None:
    torch.manual_seed(0)
    dropped = drop_path(torch.ones(20_000, 2, 2), 0.2, training=True)
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert torch.equal(dropped.amin((1, 2)), dropped.amax((1, 2)))
    assert dropped.mean().item() == pytest.approx(1.0, abs=4 * math.sqrt(0.25 / 20_000))
    assert torch.equal(drop_path(dropped, 0.2, training=False), dropped)


def test_patch_expand_puts_each_pixels_patch_in_its_place() -> None:
    expand = PatchExpand(4, 3)
    expand.norm = torch.nn.Identity()
    x = torch.randn(1, 2, 3, 4)
    grown, flat = expand(x), expand.expand(x)
    for row, column in np.ndindex(2, 3):
        patch = grown[0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(-1)
        assert torch.equal(patch, flat[0, row, column])


def test_embedded_weights_are_the_pretrained_ones() -> None:
    encoder = Encoder(EMBEDDED)
    load_weights(encoder)
    assert encoder.channels == (24, 40, 112)
    assert encoder.mean == encoder.std == (0.5, 0.5, 0.5)
    # Trained batch norms have running statistics; fresh ones have variance one.
    assert not torch.allclose(encoder.network.bn1.running_var, torch.ones(32))


def test_normalise_uses_the_encoders_mean_and_deviation() -> None:
    model = MambaAD()
    picture = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3), dtype=np.uint8)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = ((picture / 255 - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(model.normalise(torch.from_numpy(picture)), expected, atol=1e-6)


def test_unknown_encoder_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean resnet34"):
        MambaAD(ModelConfig(encoder="resnet_34"))


def test_weights_that_cannot_be_had_say_what_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    encoder = Encoder("resnet34.bt_in1k")
    with pytest.raises(NetworkError, match="MAMBAAD_OFFLINE is set"):
        load_weights(encoder)
    monkeypatch.delenv(env.OFFLINE.name)
    monkeypatch.setattr("timm.create_model", no_network)
    with pytest.raises(NetworkError, match="Network is unreachable") as caught:
        load_weights(encoder)
    assert caught.value.hint is not None
    assert EMBEDDED in caught.value.hint


def test_a_file_of_weights(tmp_path) -> None:  # type: ignore[no-untyped-def]
    source, target = Encoder(EMBEDDED), Encoder(EMBEDDED)
    torch.save(source.network.state_dict(), tmp_path / "weights.pth")
    load_weights(target, str(tmp_path / "weights.pth"))
    for one, other in zip(source.parameters(), target.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(DataError, match="no encoder weights at"):
        load_weights(target, str(tmp_path / "none.pth"))
    (tmp_path / "broken.pth").write_bytes(b"not weights")
    with pytest.raises(DataError, match="does not hold weights"):
        load_weights(target, str(tmp_path / "broken.pth"))
