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
