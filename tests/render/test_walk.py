"""A walk loses nothing, and its film shows exactly what has been read."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from mambaad_cli.errors import DataError, UsageError
from mambaad_cli.render.canvas import pixels
from mambaad_cli.render.walk import put_back, save_walk, sequence_figure, survives, unroll, walk_frames
from mambaad_cli.scan import METHODS
from mambaad_cli.scan.orders import scan_order


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


@given(some.sampled_from(METHODS), some.integers(1, 30), some.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_there_and_back_keeps_every_bit(method: str, height: int, width: int) -> None:
    assert survives(noise(height, width), method)


def test_unroll_reads_along_the_path() -> None:
    picture = noise(4, 4)
    path = scan_order("scan", 4, 4, 2)[0]
    sequence = unroll(picture, path)
    np.testing.assert_array_equal(sequence[:4], picture[0])
    np.testing.assert_array_equal(sequence[4:8], picture[1, ::-1])
    np.testing.assert_array_equal(put_back(sequence, path, 4, 4), picture)


def test_the_film_shows_what_has_been_read() -> None:
    """Along `sweep`, after n steps exactly the first n pixels differ from the blank."""
    frames = walk_frames(noise(4, 4), ["sweep"], frames=16, panel=64)
    assert len(frames) == 16
    blank = 238
    for number, frame in enumerate(frames, start=1):
        page = np.asarray(frame)[22:86, 8:72][8::16, 8::16]
        read = (page != blank).any(axis=-1).ravel()
        assert read.tolist() == [True] * number + [False] * (16 - number)


def test_the_latest_pixel_of_the_last_frame_has_its_own_colour() -> None:
    picture = noise(4, 4)
    page = np.asarray(walk_frames(picture, ["sweep"], frames=16, panel=64)[-1])
    np.testing.assert_array_equal(page[22 + 56, 8 + 56], picture[3, 3])


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (5, 9)])
def test_any_size_has_a_film(size: tuple[int, int], tmp_path: Path) -> None:
    frames = walk_frames(noise(*size), frames=5)
    with Image.open(save_walk(tmp_path / "new" / "walk.gif", frames)) as film:
        assert film.size == frames[0].size


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_the_film_is_saved_whole(tmp_path: Path, suffix: str) -> None:
    frames = walk_frames(noise(8, 8), frames=10)
    path = save_walk(tmp_path / f"walk{suffix}", frames)
    with Image.open(path) as film:
        assert film.n_frames == 10
        assert film.info["loop"] == 0
        film.seek(9)
        difference = np.abs(np.asarray(film.convert("RGB"), float) - np.asarray(frames[-1], float))
    assert difference.mean() < 12
    assert list(tmp_path.iterdir()) == [path]


def test_each_sequence_is_written_line_by_line() -> None:
    picture = noise(8, 8)
    figure = sequence_figure(picture, ["sweep", "hilbert"], panel=64)
    views = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    np.testing.assert_array_equal(views[0], picture)
    np.testing.assert_array_equal(views[1], picture)
    path = scan_order("hilbert", 8, 8, 2)[0]
    np.testing.assert_array_equal(views[2].reshape(-1, 3), picture.reshape(-1, 3)[path])


def test_sequences_are_drawn_with_whole_pixels() -> None:
    picture = noise(8, 8)
    sheet = np.asarray(pixels(sequence_figure(picture, ["sweep"], panel=64)))
    assert sheet.shape[:2] == (22 + 64 + 8, 8 + 2 * 72)
    np.testing.assert_array_equal(sheet[22:86, 8:72][4::8, 4::8], picture)


def test_bad_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="picture must be"):
        walk_frames(np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match="picture must be"):
        sequence_figure(np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(UsageError, match="film"):
        save_walk(tmp_path / "walk.mp4", walk_frames(noise(2, 2)))
