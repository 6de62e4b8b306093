"""Many overlays at once: drawn in processes of their own, while this one looks at the next pictures."""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mambaad_cli.errors import DataError, MambaadError
from mambaad_cli.render.canvas import save_figure
from mambaad_cli.render.overlays import overlay_figure

MOST = 16  # processes; each may hold the figure of a huge picture
WORTH_IT = 16  # pictures per process: with fewer, starting it takes longer than drawing them


class Draw(Protocol):
    """Draws an overlay into `path`, now or soon; `options` are those of `overlay_figure`."""

    def __call__(
        self, path: Path, picture: NDArray[np.uint8], anomaly_map: NDArray[Any], **options: Any
    ) -> None: ...


@contextmanager
def overlay_pool(pictures: int, processes: int | None = None) -> Iterator[Draw]:
    """A `Draw` that waits only while two pictures per process are in line, so that memory stays flat.

    All files are there when the block ends. An error or Ctrl-C in the block, or an error while drawing,
    ends it without starting the rest.

    Args:
        pictures: how many are to come, about.
        processes: how many to draw in; None = one per core, or none for a few pictures.

    Raises:
        MambaadError: an overlay cannot be drawn or written, or a process was killed.
    """
    if processes is None:
        processes = min(os.cpu_count() or 1, pictures // WORTH_IT, MOST)
    if processes < 1:
        yield _draw
        return
    # Spawned, not forked: a fork would copy the locks of the network's threads in the state they are in.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _leave_interrupts_to_parent)
    line: deque[Future[None]] = deque()

    def draw(path: Path, picture: NDArray[np.uint8], anomaly_map: NDArray[Any], **options: Any) -> None:
        while len(line) >= 2 * processes:
            line.popleft().result()
        line.append(pool.submit(_draw_and_forget, path, picture, anomaly_map, **options))

    try:
        yield draw
        while line:
            line.popleft().result()
    except BrokenProcessPool as error:
        raise MambaadError(
            "a process that draws overlays was ended from outside, perhaps for want of memory",
            "draw fewer at a time (--category, --worst), or close other programs",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _draw(path: Path, picture: NDArray[np.uint8], anomaly_map: NDArray[Any], **options: Any) -> None:
    try:
        save_figure(overlay_figure(picture, anomaly_map, **options), path)
    except DataError as error:
        raise DataError(f"{path.stem}: {error.message}", error.hint) from error
    except OSError as error:
        raise MambaadError(
            f"cannot write {path}: {error.strerror or error}",
            "make room, or choose another folder: --out DIR",
        ) from error


def _draw_and_forget(
    path: Path, picture: NDArray[np.uint8], anomaly_map: NDArray[Any], **options: Any
) -> None:
    _draw(path, picture, anomaly_map, **options)
    gc.collect()  # figures refer to themselves: a dozen of them would wait in memory for the collector


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
