"""Threads of torch's own team, or of a pool where torch has another: both do the same."""

from __future__ import annotations

import threading

import pytest
import torch

from mambaad_cli.scan.kernels import threads
from mambaad_cli.scan.kernels.threads import on_threads


@pytest.fixture(params=["team", "pool"])
def way(request, monkeypatch):
    if request.param == "pool":
        monkeypatch.setattr(threads, "_openmp", lambda: None)
    elif threads._openmp() is None:
        pytest.skip("this torch has another OpenMP library")
    return request.param


def test_as_many_threads_as_asked_for_work_at_once(way):
    together = threading.Barrier(3, timeout=20)  # passed only if three threads are inside at one time
    seen = []

    def work():
        together.wait()
        seen.append(threading.get_ident())

    on_threads(work, 3)
    assert len(set(seen)) == 3


def test_what_a_thread_raises_reaches_the_caller(way):
    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_threads(work, 2)
    on_threads(lambda: None, 2)  # and the threads still work


def test_small_numbers_are_zero_inside_and_as_before_outside(way):
    inside = []
    on_threads(lambda: inside.append(threads.SMALL * 0.5), 2)
    assert inside == [0.0, 0.0]
    assert threads.SMALL * 0.5 > 0
    torch.set_flush_denormal(True)
    try:
        on_threads(lambda: None, 1)
        assert threads.SMALL * 0.5 == 0
    finally:
        torch.set_flush_denormal(False)


def test_one_thread_is_the_callers_own():
    seen = []
    on_threads(lambda: seen.append(threading.get_ident()), 1)
    assert seen == [threading.get_ident()]
