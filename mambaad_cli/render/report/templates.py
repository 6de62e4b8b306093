"""Turn the templates of this folder into pages that stand alone."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from plotly.offline import get_plotlyjs

from mambaad_cli.render.tables import percent


def render(template: str, path: Path, **content: Any) -> None:
    """Write a page: complete or not at all, piece by piece, so that `content` may hold generators."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _environment().get_template(template).stream(**content).dump(str(aside), encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _environment() -> Environment:
    """Everything that comes from a run is escaped; only our own files are trusted."""
    environment = Environment(
        loader=PackageLoader("mambaad_cli.render", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "difference": _difference}
    environment.globals["trusted"] = _trusted
    return environment


def _trusted(name: str) -> str:
    """The text of a file of this folder, or of plotly.js, as it is."""
    if name == "plotly.js":
        return str(get_plotlyjs())
    return files("mambaad_cli.render.report").joinpath(name).read_text(encoding="utf-8")


def _difference(pair: tuple[float | None, float | None]) -> str:
    """(0.95, 0.9) -> "+5.0"."""
    value, first = pair
    return "" if value is None or first is None else f"{100 * (value - first):+.1f}"
