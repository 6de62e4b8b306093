"""The training curve shows the rows of train.jsonl."""

import numpy as np
import pytest

from mambaad_cli.errors import RunError
from mambaad_cli.render.curves import loss_figure


def test_lines_hold_the_rows() -> None:
    steps = [{"epoch": n, "loss": 10.0 / n, "lr": 0.005 if n < 8 else 0.0005} for n in range(1, 11)]
    upper, lower = loss_figure(steps).axes
    np.testing.assert_allclose(upper.lines[0].get_xydata(), [(row["epoch"], row["loss"]) for row in steps])
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [row["lr"] for row in steps])
    assert upper.get_yscale() == "log"
    assert upper.get_xlim() == lower.get_xlim()


def test_held_back_and_scale_losses_get_lines_of_their_own() -> None:
    steps = [
        {"epoch": n, "loss": 6.0 / n, "loss_scales": [3.0 / n, 2.0 / n, 1.0 / n], "held_loss": 8.0 / n}
        for n in range(1, 5)
    ]
    figure = loss_figure(steps)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    names = ("training", "held back", "scale 1 (finest)", "scale 2", "scale 3")
    for name, factor in zip(names, (6, 8, 3, 2, 1), strict=True):
        np.testing.assert_allclose(lines[name].get_ydata(), [factor / n for n in range(1, 5)])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list(names)
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in lines.values()}) == 5
    figure.canvas.draw()


def test_rows_that_lack_a_held_back_loss_leave_a_gap() -> None:
    steps = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "held_loss": 3.0, "loss_scales": [1.0]}]
    training, held = loss_figure(steps).axes[0].lines
    assert np.isnan(held.get_ydata()).tolist() == [True, False]
    np.testing.assert_allclose(training.get_ydata(), [2, 1])


def test_losses_that_are_not_finite_are_marked() -> None:
    figure = loss_figure([{"epoch": n, "loss": np.nan if n == 2 else 1.0} for n in range(1, 4)])
    line, marks = figure.axes[0].lines
    assert np.isnan(line.get_ydata()).tolist() == [False, True, False]
    assert marks.get_xdata().tolist() == [2]
    figure.canvas.draw()


@pytest.mark.parametrize("loss", [1.0, 0.0, -1.0, np.nan])
def test_one_epoch_is_enough(loss: float) -> None:
    loss_figure([{"epoch": 1, "loss": loss}]).canvas.draw()


def test_no_epoch_is_an_error() -> None:
    with pytest.raises(RunError, match="no epoch"):
        loss_figure([])
