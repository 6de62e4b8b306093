"""The network is the published one: same weights and picture in, same features out.

The golden numbers were made by the published network definitions on a CPU, with weights that follow from the
names of the parameters alone.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from mambaad_cli import MambaAD, load_published
from mambaad_cli.errors import RunError
from mambaad_cli.model.scoring import anomaly_map

GOLDEN = Path(__file__).parent / "golden"
CASES = [
    ("golden.npz", "published_keys.json", "hilbert_8_0"),
    ("golden.npz", "published_keys.json", "scan_8_0"),
    ("golden.npz", "published_keys.json", "zigzag_4_0"),
    ("golden.npz", "published_keys.json", "zorder_2_0"),
    ("golden.npz", "published_keys.json", "sweep_8_0"),
    ("golden_ader.npz", "published_keys_ader.json", "hilbert_8_0"),
]
TOLERANCE = 2e-4


def fill(key: str, shape: tuple[int, ...], salt: int) -> np.ndarray:
    """The weights of the golden runs: drawn from a generator that the parameter's name seeds."""
    noise = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()) + salt))
    n = noise.standard_normal(shape).astype(np.float32)
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "running_var":
        return 1.0 + 0.2 * np.abs(n)
    if leaf == "running_mean":
        return 0.1 * n
    if leaf == "A_logs":
        return np.log(np.arange(1, shape[1] + 1, dtype=np.float32))[None] + 0.1 * n
    if leaf == "Ds":
        return 1.0 + 0.1 * n
    if leaf == "dt_projs_bias":
        return -4.6 + 0.5 * n
    if leaf == "bias":
        return 0.05 * n
    if len(shape) == 1:
        return 1.0 + 0.1 * n
    per_direction = leaf in ("x_proj_weight", "dt_projs_weight")
    fan_in = shape[-1] if per_direction else int(np.prod(shape[1:]))
    return n / np.sqrt(max(fan_in, 1)).astype(np.float32)


def picture(batch: int, size: int, salt: int) -> np.ndarray:
    """The input of the golden runs: smooth noise with a bright square."""
    noise = np.random.Generator(np.random.PCG64(7 + salt))
    low = noise.standard_normal((batch, 3, size // 16, size // 16)).astype(np.float32)
    x = np.repeat(np.repeat(low, 16, axis=2), 16, axis=3)
    x += 0.1 * noise.standard_normal((batch, 3, size, size)).astype(np.float32)
    x[:, :, size // 4 : size // 2, size // 3 : size // 2] += 2.0
    return x.astype(np.float32)


def published_state(keys: str, directions: int, salt: int) -> dict[str, torch.Tensor]:
    """A state dict under published names, for 2, 4 or 8 directions."""
    state = {}
    for key, (shape, dtype) in json.loads((GOLDEN / keys).read_text()).items():
        leaf = key.rsplit(".", 1)[-1]
        if leaf in ("x_proj_weight", "dt_projs_weight", "dt_projs_bias"):
            shape = [directions, *shape[1:]]
        elif leaf in ("A_logs", "Ds"):
            shape = [shape[0] * directions // 8, *shape[1:]]
        if dtype == "float32":
            state[key] = torch.from_numpy(np.asarray(fill(key, tuple(shape), salt)))
        else:
            state[key] = torch.zeros(shape, dtype=torch.int64)
    return state


@pytest.mark.parametrize(("golden", "keys", "tag"), CASES)
def test_same_features_and_anomaly_map_as_the_published_network(golden: str, keys: str, tag: str) -> None:
    method, directions, salt = tag.split("_")
    model = load_published(published_state(keys, int(directions), int(salt)), method)
    with torch.inference_mode():
        teacher, student = model(torch.from_numpy(picture(2, 256, int(salt))))
        found = {f"teacher{i}": m for i, m in enumerate(teacher)}
        found |= {f"student{i}": m for i, m in enumerate(student)}
        found["anomaly_map"] = anomaly_map(teacher, student, (256, 256))
    expected = np.load(GOLDEN / golden)
    for name, tensor in found.items():
        values = tensor.contiguous().numpy().ravel()
        sample = values[np.linspace(0, values.size - 1, 997).astype(np.int64)]
        assert np.abs(sample - expected[f"{tag}/{name}/sample"]).max() < TOLERANCE, name


def test_size_of_the_papers_network() -> None:
    # The published 25.667 M also counts 39,296 entries of scan tables and 12,096 weights of an unused branch.
    parameters = sum(p.numel() for p in MambaAD().parameters())
    assert parameters == 25_666_624 - 39_296 - 12_096


def test_training_checkpoints_and_data_parallel_names_are_accepted() -> None:
    state = published_state("published_keys.json", 2, 0)
    plain = load_published(state, "sweep")
    wrapped = load_published({"net": {f"module.{name}": value for name, value in state.items()}}, "sweep")
    for one, other in zip(plain.parameters(), wrapped.parameters(), strict=True):
        assert torch.equal(one, other)


def test_other_weights_are_refused_by_name() -> None:
    with pytest.raises(RunError, match="no state space blocks"):
        load_published({"layer1.weight": torch.zeros(3)})
    state = published_state("published_keys.json", 8, 0)
    removed = next(name for name in state if name.endswith("finalconv11.weight"))
    del state[removed]
    with pytest.raises(RunError, match="1 tensors are missing"):
        load_published(state)
