"""mambaad: find defects in pictures of products with one model for every category.

from mambaad_cli import Detector
maps, scores = Detector.load("latest").predict(["part.png"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mambaad_cli.engine.detector import Detector
    from mambaad_cli.model.mambaad import MambaAD
    from mambaad_cli.model.published import load_published

__all__ = ["Detector", "MambaAD", "load_published"]

_HOMES = {"Detector": "engine.detector", "MambaAD": "model.mambaad", "load_published": "model.published"}


def __getattr__(name: str) -> Any:
    # Loaded on first use: the command line answers before torch could be imported.
    if name in _HOMES:
        return getattr(import_module(f"mambaad_cli.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
