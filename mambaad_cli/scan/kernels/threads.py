"""Run a function on several threads at once: on those that torch computes with, where that can be done.

Torch's OpenMP threads keep spinning for some milliseconds after each of its loops. A pool of our own would
have to share the cores with them; measured on two cores, a forward pass of the network takes a fifth longer.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch

SMALL = 2.0**-1060
"""So small that a processor keeps it, and its half, only when it does not flush such numbers to zero."""

MOST_THREADS = 1024

_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def on_threads(work: Callable[[], None], threads: int) -> None:
    """Call `work` on so many threads at the same time, wait for all, and raise what it raised.

    While it runs, a thread takes numbers below 1e-38 for zero: where pixels are zero a state decays to such
    numbers, and with them many processors are ten times slower.
    """
    raised: list[BaseException] = []

    def guarded() -> None:
        before = _flushes_small_numbers()
        torch.set_flush_denormal(True)
        try:
            work()
        except BaseException as error:  # Ctrl-C too: what called us cannot pass an exception on
            raised.append(error)
        finally:
            torch.set_flush_denormal(before)

    if threads == 1:
        guarded()
    elif (parallel := _openmp()) is not None:
        parallel(_CALLBACK(lambda _: guarded()), None, threads, 0)
    else:
        for worker in [_pool(os.getpid()).submit(guarded) for _ in range(threads)]:
            worker.result()
    if raised:
        raise raised[0]


def _flushes_small_numbers() -> bool:
    return SMALL * 0.5 == 0


@lru_cache(maxsize=1)
def _openmp() -> Any:
    """GOMP_parallel(function, argument, threads, flags) of the library that torch is linked to, or None.

    GNU's and LLVM's OpenMP both have it; it calls `function` on each thread of the calling thread's team.
    """
    try:
        return ctypes.CDLL(torch._C.__file__).GOMP_parallel
    except (OSError, AttributeError):
        return None


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process, which start as they are needed: a forked child has to start its own."""
    return ThreadPoolExecutor(MOST_THREADS, "mambaad-scan")
