"""Trackers that show a training elsewhere; accelerate talks to them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from mambaad_cli.errors import DeviceError, UsageError, did_you_mean
from mambaad_cli.recipe import Recipe, setting_names

if TYPE_CHECKING:
    from accelerate import Accelerator

TRACKERS = ("tensorboard", "wandb", "mlflow")
"""Names of trackers; each is an extra of the installation with the same name."""


def check_tracker(name: str) -> None:
    """Raise unless the tracker is known (UsageError) and its package installed (DeviceError)."""
    if name not in TRACKERS:
        raise UsageError(
            f"unknown tracker '{name}'{did_you_mean(name, TRACKERS)}", f"known: {', '.join(TRACKERS)}"
        )
    if importlib.util.find_spec(name) is None:
        raise DeviceError(
            f"the tracker {name} needs a package that is missing", f"pip install 'mambaad[{name}]'"
        )


def start_tracking(accelerator: Accelerator, recipe: Recipe, run: Path) -> None:
    """Tell the trackers the settings; what they keep on disk goes into the run's folder."""
    accelerator.project_configuration.logging_dir = str(run)
    dumped = recipe.model_dump(mode="json")
    settings = {}
    for name in setting_names():
        section, _, leaf = name.partition(".")
        value = dumped[section][leaf] if leaf else dumped[section]
        settings[name] = value if isinstance(value, int | float | str) else str(value)
    accelerator.init_trackers("tracker", config=settings)
