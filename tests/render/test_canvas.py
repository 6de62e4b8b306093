"""Figures are written whole, in the format that the name asks for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.errors import UsageError
from mambaad_cli.render.canvas import add_axes, add_text, new_figure, save_figure


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "PNG"), ("b.jpg", "JPEG"), ("c.webp", "WEBP"), ("d.PNG", "PNG")]
)
def test_saves_pixels_in_new_folders(tmp_path: Path, name: str, kind: str) -> None:
    path = save_figure(new_figure(120, 80), tmp_path / "new" / "folder" / name)
    with Image.open(path) as image:
        assert image.format == kind
        assert image.size == (120, 80)
    assert [entry.name for entry in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_zoom_makes_each_pixel_larger(tmp_path: Path, suffix: str) -> None:
    figure = new_figure(120, 80, zoom=2.25)
    add_axes(figure, 40, 20, 60, 40).set(facecolor="black", xticks=[], yticks=[])
    with Image.open(save_figure(figure, tmp_path / f"a.{suffix}")) as image:
        assert image.size == (270, 180)
        dark = np.asarray(image.convert("L")) < 128
    rows, columns = np.nonzero(dark)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((45, 135, 90, 225), abs=3)


def test_saves_svg(tmp_path: Path) -> None:
    figure = new_figure(120, 80)
    add_text(figure, 5, 20, "costs $5 or $6")
    assert "<svg" in save_figure(figure, tmp_path / "a.svg").read_text(encoding="utf-8")


def test_unknown_format_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a picture format"):
        save_figure(new_figure(10, 10), tmp_path / "a.doc")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_keeps_the_old_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    figure = new_figure(10, 10)

    def break_off(_: object, target: Path, *__: object, **___: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", break_off)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_pyplot_is_never_imported() -> None:
    rooms = "canvas", "curves", "influence", "overlay_pool", "overlays", "scan_paths", "walk"
    code = ";".join(f"import mambaad_cli.render.{room}" for room in rooms)
    code += ";import sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
