"""Work on many files at once, in threads: decoding and hashing leave the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mambaad_cli.data.info import Progress

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Sequence[T], description: str, progress: Progress) -> list[R]:
    """`work` of every item, in their order. The first error, or Ctrl-C, ends it without starting the rest."""
    pool = ThreadPoolExecutor(os.cpu_count())
    results = []
    try:
        with progress(description, len(items)) as advance:
            for result in pool.map(work, items):
                results.append(result)
                advance(1, "")
    finally:
        pool.shutdown(cancel_futures=True)
    return results
