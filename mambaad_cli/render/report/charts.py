"""The interactive charts of a report, as plotly figures in plain data; the page adds its own colours."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mambaad_cli.render.report.data import CURVES, Curve, Report

FRACTION = {"range": [-0.02, 1.02], "tickformat": ".0%"}
LEGEND = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.04, "yanchor": "bottom"}


def curve_charts(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, dict[str, Any]]:
    """For each category and each of its curves a figure."""
    return {
        category: {name: _curve(name, curve) for name, curve in named.items()}
        for category, named in curves.items()
    }


def histogram_chart() -> dict[str, Any]:
    """The scores of normal and anomalous pictures; the page fills in the scores and the threshold."""
    figure = go.Figure(
        [
            go.Histogram(name=name, x=[], opacity=0.7, marker={"pattern": {"shape": shape}})
            for name, shape in (("normal", ""), ("anomalous", "/"))
        ]
    )
    figure.update_layout(title="Scores", barmode="overlay", legend=LEGEND)
    figure.update_xaxes(title="score")
    figure.update_yaxes(title="pictures")
    return _plain(figure, head=80)


def training_chart(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Loss (above) and learning rate (below) against the epoch, on logarithmic scales."""
    epochs = [row["epoch"] for row in rows]
    loss, held, rate = ([row.get(name) for row in rows] for name in ("loss", "held_loss", "lr"))
    figure = go.Figure(
        [
            go.Scatter(name="loss", x=epochs, y=loss),
            go.Scatter(
                name="learning rate", x=epochs, y=rate, yaxis="y2", line={"dash": "dash", "shape": "hv"}
            ),
        ]
    )
    if any(value is not None for value in held):
        figure.add_scatter(name="loss, held back", x=epochs, y=held, line={"dash": "dot"})
    figure.update_layout(
        title="Training",
        legend=LEGEND,
        xaxis={"title": "epoch", "anchor": "y2"},
        yaxis={"title": "loss", "domain": [0.36, 1], **_logarithmic([*loss, *held])},
        yaxis2={"title": "learning rate", "domain": [0, 0.24], "anchor": "x", **_logarithmic(rate)},
    )
    return _plain(figure, head=80)


def losses_chart(reports: Sequence[Report]) -> dict[str, Any] | None:
    """The losses of several runs against the epoch; None if no run has a log."""
    logged = [report for report in reports if report.training]
    if not logged:
        return None
    figure = go.Figure()
    for report, dash in zip(logged, cycle(("solid", "dash", "dot", "dashdot")), strict=False):
        epochs, loss = ([row[name] for row in report.training] for name in ("epoch", "loss"))
        figure.add_scatter(name=report.title, x=epochs, y=loss, line={"dash": dash}, showlegend=True)
    every = [row["loss"] for report in logged for row in report.training]
    figure.update_layout(title="Training", legend=LEGEND)
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="loss", **_logarithmic(every))
    return _plain(figure, head=80)


def _curve(name: str, curve: Curve) -> dict[str, Any]:
    title, across, up = CURVES[name]
    line = {"width": 2.5, "shape": "vh" if name.endswith("_pr") else "linear"}
    x, y = np.round(curve.x, 5), np.round(curve.y, 5)
    figure = go.Figure(go.Scatter(x=x, y=y, mode="lines", line=line, name=title))
    figure.update_layout(title=title)
    figure.update_xaxes(title=across, **FRACTION)
    figure.update_yaxes(title=up, **FRACTION)
    return _plain(figure, head=52)


def _logarithmic(values: Sequence[float | None]) -> dict[str, Any]:
    """A logarithmic axis with ticks at 1, 2 and 5 of each power of ten that the values reach."""
    known = [
        math.log10(value) for value in values if value is not None and math.isfinite(value) and value > 0
    ]
    if not known:
        return {}
    powers = range(math.floor(min(known)), math.ceil(max(known)) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _plain(figure: go.Figure, head: int) -> dict[str, Any]:
    """The figure as JSON-ready data, without plotly's large default theme; `head`: pixels above the axes."""
    figure.update_layout(
        template=go.layout.Template(),
        margin={"l": 64, "r": 20, "t": head, "b": 56},
        title={"x": 0.02, "xanchor": "left", "y": 0.97, "yanchor": "top"},
    )
    figure.update_xaxes(title_standoff=8)
    figure.update_yaxes(automargin=True)
    plain: dict[str, Any] = json.loads(figure.to_json())
    return plain
