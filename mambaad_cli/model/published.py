"""Other people's weights: published MambaAD checkpoints, under either of their two namings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mambaad_cli.errors import RunError
from mambaad_cli.model.mambaad import MambaAD
from mambaad_cli.recipe import ModelConfig

# Patterns of published names and what they are called here, tried in this order on each name.
RENAMES = (
    (r"^module\.", ""),
    (r"^net_t\.", "encoder.network."),
    (r"^mff_oce\.(?:conv|bn)_layer\.", "fusion.bottlenecks."),
    (r"^mff_oce\.(conv|bn)1\.", r"fusion.down_fine.\1."),
    (r"^mff_oce\.(conv|bn)21\.", r"fusion.side_middle.\1."),
    (r"^mff_oce\.(conv|bn)2\.", r"fusion.down_middle.\1."),
    (r"^mff_oce\.(conv|bn)31\.", r"fusion.side_coarse.\1."),
    (r"^mff_oce\.(conv|bn)f\.", r"fusion.merge.\1."),
    (r"^(fusion\.(?!bottlenecks)\w+)\.conv\.", r"\1.0."),
    (r"^(fusion\.(?!bottlenecks)\w+)\.bn\.", r"\1.1."),
    (r"^net_s\.layers_up\.1\.upsample\.", "decoder.expands.0."),
    (r"^net_s\.layers_up\.2\.upsample\.", "decoder.expands.1."),
    (r"^net_s\.layers_up\.3\.upsample\.", "decoder.expands.2."),
    (r"^net_s\.layers_up\.(\d)\.blocks\.", r"decoder.stages.\1."),
    (r"\.smm_blocks\.", ".hss."),
    (r"\.ln_1\.", ".norm."),
    (r"\.self_attention\.", "."),
    (r"\.x_proj_weight$", ".x_proj"),
    (r"\.dt_projs_", ".dt_"),
    (r"\.A_logs$", ".A_log"),
    (r"\.Ds$", ".D"),
    (r"\.conv2d\.", ".conv."),
    (r"\.finalconv11\.", ".merge."),
    (r"\.conv1b5\.0\.", ".local.0.0."),
    (r"\.conv55\.0\.", ".local.0.3."),
    (r"\.conv1a5\.0\.", ".local.0.6."),
    # The 7x7 branch is "7" in the MambaAD repository and "3" in ADer, whose checkpoints were uploaded.
    (r"\.conv1b[37]\.0\.", ".local.1.0."),
    (r"\.conv77\.0\.", ".local.1.3."),
    (r"\.conv1a[37]\.0\.", ".local.1.6."),
)

UNUSED = re.compile(r"\.scans\.index_flat|\.conv33\.")
"""Scan tables, which follow from the method, and a 3x3 branch that no forward pass ever used."""


def load_published(state_dict: Mapping[str, Any], method: str = "hilbert") -> MambaAD:
    """Build the network of a published checkpoint.

    Args:
        state_dict: as loaded from the file, under the naming of the MambaAD repository or of ADer; a training
            checkpoint that holds it under "net" is accepted too.
        method: the scan method it was trained with; a checkpoint does not say it.

    Raises:
        RunError: these are not the weights of a published MambaAD.
    """
    published = state_dict.get("net", state_dict)
    ours = {_rename(name): value for name, value in published.items() if not UNUSED.search(name)}
    directions = {value.shape[0] for name, value in ours.items() if name.endswith(".x_proj")}
    if len(directions) != 1:
        raise RunError(
            "these are not the weights of a published MambaAD: no state space blocks in them",
            "a run of mambaad itself is loaded with Detector.load(RUN)",
        )
    model = MambaAD(ModelConfig(scan=method, directions=directions.pop()))
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    missing, foreign = sorted(shapes.keys() - ours.keys()), sorted(ours.keys() - shapes.keys())
    if missing or foreign:
        raise RunError(
            f"these weights do not fit MambaAD: {len(missing)} tensors are missing {missing[:2]}, "
            f"{len(foreign)} are unknown {foreign[:2]}"
        )
    # A and D are stored flat, (K * E, N) and (K * E).
    model.load_state_dict({name: tensor.reshape(shapes[name]) for name, tensor in ours.items()})
    return model.eval()


def _rename(name: str) -> str:
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name
