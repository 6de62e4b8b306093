"""What `mambaad_cli.render` offers: every name is there, documented, light to import, and works on arrays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mambaad_cli import render


def test_every_name_is_there_and_documented() -> None:
    assert set(render.__all__) == set(render._HOMES)
    for name in render.__all__:
        assert getattr(render, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'overlay_figur'"):
        _ = render.overlay_figur


def test_a_table_needs_no_plotting_library() -> None:
    code = (
        "import sys, mambaad_cli.render.tables\n"
        "assert not {'matplotlib', 'torch', 'plotly'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_arrays_in_figures_out(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    found = render.Influence(1, 2, np.eye(5))
    figures = [
        render.overlay_figure(picture, np.zeros((8, 8)), threshold=0.5, vmin=0, vmax=1),
        render.scan_figure("hilbert", 4, 6),
        render.scan_sheet(1, 7, 2, over=picture),
        render.loss_figure([{"epoch": 1, "loss": 2.0}]),
        render.influence_figure(picture, found),
        render.sequence_figure(picture),
    ]
    for number, figure in enumerate(figures):
        assert isinstance(figure, Figure)
        with Image.open(render.save_figure(figure, tmp_path / f"{number}.png")) as image:
            assert image.width > 100
    assert render.save_walk(tmp_path / "walk.gif", render.walk_frames(picture, frames=3)).is_file()
