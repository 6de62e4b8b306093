"""The drawn path is the order that the kernels walk, for every method, direction and size."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.scan_paths import direction_names, scan_figure, scan_sheet
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.orders import scan_order


def drawn_steps(panel) -> list[tuple[tuple[int, int], tuple[int, int], float]]:
    """Every single step drawn in a panel as (from, to, time), in order of time."""
    steps = []
    for lines in panel.collections:
        assert isinstance(lines, LineCollection)
        for piece, time in zip(lines.get_segments(), lines.get_array(), strict=True):
            first = time - (len(piece) - 1) / 2
            for number, (start, end) in enumerate(pairwise(piece)):
                steps.append((tuple(start), tuple(end), first + number))
    return sorted(steps, key=lambda step: step[2])


def expected_steps(path, width):
    points = [(index % width, index // width) for index in path]
    return [(a, b, float(t)) for t, (a, b) in enumerate(pairwise(points))]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("directions", "size"), [(2, (8, 8)), (4, (3, 7)), (8, (4, 4)), (2, (24, 20))], ids=str
)
def test_every_step_is_drawn_once_at_its_time(method: str, directions: int, size: tuple[int, int]) -> None:
    height, width = size
    figure = scan_figure(method, height, width, directions)
    order = scan_order(method, height, width, directions)
    panels = [axes for axes in figure.axes if axes.collections and axes.lines]
    assert len(panels) == directions
    for path, panel in zip(order, panels, strict=True):
        assert drawn_steps(panel) == expected_steps(path, width)
        end, start = panel.lines
        assert (start.get_xdata()[0], start.get_ydata()[0]) == (path[0] % width, path[0] // width)
        assert (end.get_xdata()[0], end.get_ydata()[0]) == (path[-1] % width, path[-1] // width)


def test_jumps_are_dotted_and_steps_are_not() -> None:
    panel = scan_figure("sweep", 4, 4, 2).axes[0]
    jumps, steps = panel.collections
    assert len(jumps.get_segments()) == 3
    assert jumps.get_linestyle()[0][1] is not None
    assert steps.get_linestyle()[0][1] is None


def test_row_zero_is_on_top() -> None:
    panel = scan_figure("sweep", 4, 4, 2).axes[0]
    assert panel.transData.transform((0, 0))[1] > panel.transData.transform((0, 3))[1]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (64, 64)])
def test_extreme_sizes_are_drawn(size: tuple[int, int]) -> None:
    scan_figure("hilbert", *size, 4).canvas.draw()


def test_sheet_holds_every_method_and_direction() -> None:
    figure = scan_sheet(4, 6, 8)
    panels = [axes for axes in figure.axes if axes.collections and axes.lines]
    assert len(panels) == 40
    for number, panel in enumerate(panels):
        method, direction = METHODS[number // 8], number % 8
        assert drawn_steps(panel) == expected_steps(scan_order(method, 4, 6, 8)[direction], 6)


def test_a_picture_lies_below_the_path() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (50, 30, 3), np.uint8)
    panel = scan_figure("hilbert", 8, 8, 2, over=picture).axes[0]
    (image,) = panel.images
    assert image.get_extent() == [-0.5, 7.5, 7.5, -0.5]
    assert all(image.get_zorder() < lines.get_zorder() for lines in panel.collections)


def test_names_follow_the_published_order() -> None:
    assert direction_names(2) == ["plain", "plain, reversed"]
    assert direction_names(4) == ["plain", "transposed", "plain, reversed", "transposed, reversed"]
    assert len(set(direction_names(8))) == 8


def test_bad_input_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown scan method"):
        scan_figure("spiral", 4, 4)
    with pytest.raises(UsageError, match="nothing to scan"):
        scan_figure("hilbert", 0, 4)
    for draw in (scan_sheet, lambda *size: scan_figure("hilbert", *size)):
        with pytest.raises(UsageError, match="too large"):
            draw(257, 4)
        with pytest.raises(UsageError, match="nothing to scan"):
            draw(4, 0)
    with pytest.raises(UsageError, match="directions"):
        scan_sheet(4, 4, 3)
    with pytest.raises(DataError, match="picture must be"):
        scan_figure("hilbert", 4, 4, over=np.zeros((4, 4)))
