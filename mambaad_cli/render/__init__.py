"""Pictures of what the network sees: overlays, scan paths, training curves, reports.

from mambaad_cli.render import overlay_figure, save_figure
save_figure(overlay_figure(picture, anomaly_map, threshold=0.4, vmin=0.1, vmax=0.9), "overlay.png")

NumPy arrays go in, matplotlib figures come out, without pyplot or global state.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mambaad_cli.render.canvas import save_figure
    from mambaad_cli.render.curves import loss_figure
    from mambaad_cli.render.influence import Influence, influence_figure, measure_influence
    from mambaad_cli.render.kernel_race import race
    from mambaad_cli.render.overlays import caption, overlay_figure
    from mambaad_cli.render.report import (
        Curve,
        Report,
        ReportPicture,
        pr_curve,
        pro_curve,
        roc_curve,
        write_comparison,
        write_report,
    )
    from mambaad_cli.render.scan_paths import scan_figure, scan_sheet
    from mambaad_cli.render.walk import save_walk, sequence_figure, walk_frames

__all__ = [
    "Curve",
    "Influence",
    "Report",
    "ReportPicture",
    "caption",
    "influence_figure",
    "loss_figure",
    "measure_influence",
    "overlay_figure",
    "pr_curve",
    "pro_curve",
    "race",
    "roc_curve",
    "save_figure",
    "save_walk",
    "scan_figure",
    "scan_sheet",
    "sequence_figure",
    "walk_frames",
    "write_comparison",
    "write_report",
]

_HOMES = {
    "save_figure": "canvas",
    "loss_figure": "curves",
    "Influence": "influence",
    "influence_figure": "influence",
    "measure_influence": "influence",
    "race": "kernel_race",
    "caption": "overlays",
    "overlay_figure": "overlays",
    "Curve": "report",
    "Report": "report",
    "ReportPicture": "report",
    "pr_curve": "report",
    "pro_curve": "report",
    "roc_curve": "report",
    "write_comparison": "report",
    "write_report": "report",
    "scan_figure": "scan_paths",
    "scan_sheet": "scan_paths",
    "save_walk": "walk",
    "sequence_figure": "walk",
    "walk_frames": "walk",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: a table for the terminal needs neither matplotlib nor torch.
    if name in _HOMES:
        return getattr(import_module(f"mambaad_cli.render.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
