"""Write the page: the text and charts into one file, the pictures beside it or, on request, into it."""

from __future__ import annotations

import base64
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.report.charts import curve_charts, histogram_chart, training_chart
from mambaad_cli.render.report.data import CURVES, Report, ReportPicture
from mambaad_cli.render.report.images import encode
from mambaad_cli.render.report.templates import render
from mambaad_cli.render.tables import HEADERS

MEDIA = {"webp": "image/webp", "png": "image/png"}


def write_report(
    report: Report, pictures: Iterable[ReportPicture], path: str | Path, *, single_file: bool = False
) -> Path:
    """Write a report that needs no server and no internet; returns its path.

    Pictures are taken one by one and never held together, so that ten thousand fit. They go, reduced, into
    the folder `<name>_files` beside the page, which has to move with it; with `single_file` into the page.
    Page and folder appear complete or not at all, and replace those of an earlier report.

    Raises:
        DataError: a score or a map is not finite, or an array has the wrong shape; it names the picture.
        UsageError: the scale of the colours is empty, or a curve has an unknown name.
    """
    path = Path(path)
    _check(report)
    folder = path.with_name(f"{path.stem}_files")
    aside = path.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        if not single_file:
            aside.mkdir(parents=True)
        records = _records(report, pictures, None if single_file else aside, folder.name)
        render("page.html", path, **_content(report), records=records)
        if folder.exists():
            shutil.rmtree(folder)
        if not single_file:
            aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return path


def _content(report: Report) -> dict[str, Any]:
    columns = [name for name in HEADERS if any(name in row for row in report.metrics.values())]
    charts = {
        "curves": curve_charts(report.curves),
        "histogram": histogram_chart(),
        "training": training_chart(report.training) if report.training else None,
    }
    return {
        "title": report.title,
        "report": report,
        "columns": [(name, HEADERS[name]) for name in columns],
        "categories": {name: row for name, row in report.metrics.items() if name != "mean"},
        "mean": report.metrics.get("mean"),
        "charts": charts,
        "curve_names": CURVES,
    }


def _records(
    report: Report, pictures: Iterable[ReportPicture], folder: Path | None, link: str
) -> Iterator[dict[str, Any]]:
    """What the page knows about each picture; its files are written on the way."""
    for number, sample in enumerate(pictures):
        if not math.isfinite(sample.score):
            raise DataError(f"{sample.name}: the score is {sample.score}", "the run may have diverged")
        record: dict[str, Any] = {
            "name": sample.name,
            "category": sample.category,
            "defect": sample.defect,
            "label": int(sample.label),
            "score": float(sample.score),
        }
        for name, content in encode(sample, report.scale).items():
            role, _, suffix = name.partition(".")
            if folder is None:
                data = base64.b64encode(content).decode("ascii")
                record[role] = f"data:{MEDIA[suffix]};base64,{data}"
            else:
                (folder / f"{number:05d}-{name}").write_bytes(content)
                record[role] = f"{link}/{number:05d}-{name}"
        yield record


def _check(report: Report) -> None:
    low, high = report.scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"no colours fit on the scale {low} to {high}", "give (low, high) with low < high")
    if not math.isfinite(report.threshold):
        raise UsageError(f"the threshold is {report.threshold}", "give a finite score")
    for category, named in report.curves.items():
        if unknown := [name for name in named if name not in CURVES]:
            raise UsageError(f"{category}: unknown curve {unknown[0]!r}", f"choose from {', '.join(CURVES)}")
