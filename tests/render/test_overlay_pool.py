"""Overlays drawn in other processes are the same, errors come back, and nothing is left half done."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.errors import DataError, MambaadError
from mambaad_cli.render import overlay_pool as room
from mambaad_cli.render.overlay_pool import overlay_pool

SCALE = {"threshold": 0.5, "vmin": 0.0, "vmax": 1.0}
PICTURE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


def test_processes_draw_what_this_one_draws(tmp_path: Path) -> None:
    maps = [np.full((8, 8), value) for value in (0.2, 0.4, 0.6, 0.8, 1.0)]
    for processes in (0, 2):
        with overlay_pool(len(maps), processes) as draw:
            for number, anomaly_map in enumerate(maps):
                draw(tmp_path / str(processes) / f"{number}.png", PICTURE, anomaly_map, **SCALE)
    for number in range(len(maps)):
        with (
            Image.open(tmp_path / "0" / f"{number}.png") as own,
            Image.open(tmp_path / "2" / f"{number}.png") as other,
        ):
            np.testing.assert_array_equal(np.asarray(own), np.asarray(other))


@pytest.mark.parametrize("processes", [0, 1])
def test_errors_of_drawing_and_writing_come_back(tmp_path: Path, processes: int) -> None:
    nan = r"^a: the anomaly map holds NaN"
    with pytest.raises(DataError, match=nan) as caught, overlay_pool(1, processes) as draw:
        draw(tmp_path / "a.png", PICTURE, np.full((8, 8), np.nan), **SCALE)
    assert "training curve" in str(caught.value.hint)
    (tmp_path / "full").write_bytes(b"a file, not a folder")
    with pytest.raises(MambaadError, match="cannot write") as caught, overlay_pool(1, processes) as draw:
        draw(tmp_path / "full" / "a.png", PICTURE, np.zeros((8, 8)), **SCALE)
    assert "--out" in str(caught.value.hint)


def test_a_killed_process_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_draw_and_forget", _vanish)
    with pytest.raises(MambaadError, match="ended from outside") as caught, overlay_pool(1, 1) as draw:
        draw(tmp_path / "a.png", PICTURE, np.zeros((8, 8)), **SCALE)
    assert "--worst" in str(caught.value.hint)


def test_an_interruption_starts_nothing_more_and_leaves_no_half_file(tmp_path: Path) -> None:
    def stop() -> None:
        with overlay_pool(50, 1) as draw:
            for number in range(3):
                draw(tmp_path / f"{number}.png", PICTURE, np.zeros((8, 8)), **SCALE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    left = {path.name for path in tmp_path.iterdir()}
    time.sleep(0.2)
    assert {path.name for path in tmp_path.iterdir()} == left
    assert not any(name.endswith(".part") for name in left)


def _vanish(*_: object, **__: object) -> None:
    os._exit(9)


SCRIPT = """\
import signal
import sys
from pathlib import Path
import numpy as np
from mambaad_cli.render.overlay_pool import overlay_pool

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    picture = np.zeros((300, 300, 3), np.uint8)
    try:
        with overlay_pool(1000, 2) as draw:
            for number in range(1000):
                draw(Path(f"{number}.png"), picture, np.eye(8), threshold=0.5, vmin=0, vmax=1)
                print(number, flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a group of processes there")
def test_ctrl_c_ends_all_processes_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(SCRIPT, encoding="utf-8")
    work = subprocess.Popen(
        [sys.executable, "work.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert work.stdout is not None
    while int(work.stdout.readline()) < 8:  # the first pictures are drawn
        pass
    os.killpg(work.pid, signal.SIGINT)
    _, errors = work.communicate(timeout=120)
    assert (work.returncode, errors) == (130, "")
    drawn = [path.name for path in tmp_path.glob("*.png")]
    assert 4 <= len(drawn) < 1000
    assert list(tmp_path.glob(".*.part")) == []
