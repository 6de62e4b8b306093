"""Killed at any moment, the same call ends in the same bytes; a full disk says so and loses nothing.

MAMBAAD_KILLS sets the number of kills (default 8): half at random times, half before a random operation on
files.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.data import space
from mambaad_cli.data.checking import verify
from mambaad_cli.data.fetching import fetch
from mambaad_cli.data.index import open_dataset
from mambaad_cli.errors import DataError

KILLS = int(os.environ.get("MAMBAAD_KILLS", "8"))

CHILD = """
import os, sys, threading
import tqdm
from dataclasses import replace
from pathlib import Path
from mambaad_cli.data import registry
from mambaad_cli.data.fetching import fetch
from mambaad_cli.data.info import Archive

archive = Archive("mvtec.tar.xz", (source,))
registry.DATASETS["mvtec"] = replace(registry.DATASETS["mvtec"], archives=(archive,))
tqdm.tqdm.set_lock(threading.RLock())  # its usual lock outlives a killed process
count = 0

def die_at_last(event, arguments):
    global count
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"):
        count += 1
        if count == last:
            os._exit(9)

sys.addaudithook(die_at_last)
pipe.send("ready")
fetch("mvtec", Path(data))
pipe.send(count)
os._exit(0)
"""


@pytest.fixture
def child(tree: Any, packed: Any, served: Any, server: Any, tmp_path: Path) -> Any:
    """`child(last)`: a process that fetches and dies before its operation number `last` on files, and a pipe.

    A process that comes to its end sends its number of operations.
    """
    rng = np.random.default_rng(0)
    for category in ("bottle", "grid"):
        tree.mvtec(category)
        for index in range(8):
            pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tree.root / category / f"train/good/1{index}.png")
    source = served("mvtec", packed(tree.root, "mvtec.tar.xz")).archives[0].sources[0]
    server.delay = 0.004
    context: Any = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
    if sys.platform != "win32":
        context.set_forkserver_preload(["datasets", "mambaad_cli.data.fetching"])

    def start(last: int = 0) -> tuple[BaseProcess, Connection]:
        receiver, sender = context.Pipe(duplex=False)
        names = {"source": source, "data": str(tmp_path / "data"), "last": last, "pipe": sender}
        process = context.Process(target=exec, args=(CHILD, names))
        process.start()
        sender.close()
        assert receiver.recv() == "ready"
        return process, receiver

    return start


def moment(place: Path) -> str:
    """What was under way when the process died, judged by what it left."""
    signs = {
        "nothing yet": not place.exists(),
        "complete": (place / "receipt.json").exists(),
        "index": (place / "index").exists(),
        "hashes": (place / "placed").exists(),
        "unpacking": (place / "unpacked").exists(),
        "download": (place / "downloads").exists(),
    }
    return next((name for name, sign in signs.items() if sign), "beginning")


def test_kill_and_resume(child: Any, tree: Any, tmp_path: Path, content_of: Any) -> None:
    rng = random.Random(0)
    data = tmp_path / "data"
    expected = content_of(tree.root)

    process, pipe = child()
    start = time.monotonic()
    operations = pipe.recv()
    process.join()
    duration = time.monotonic() - start

    kills = 0
    moments: Counter[str] = Counter()
    while kills < KILLS:
        shutil.rmtree(data)
        exitcode = None
        while exitcode != 0:
            if kills % 2:
                process, pipe = child(rng.randint(1, operations))
            else:
                process, pipe = child()
                time.sleep(rng.uniform(0, duration))
                process.kill()
            process.join()
            pipe.close()
            exitcode = process.exitcode
            if exitcode != 0:
                kills += 1
                moments[moment(data / "mvtec/.mambaad")] += 1
        assert content_of(data / "mvtec") == expected
        assert verify("mvtec", data).problems == []
        assert len(open_dataset("mvtec", data).samples("train")) == 22
        left = sorted(path.name for path in (data / "mvtec/.mambaad").iterdir())
        assert left == ["files.sha256", "index", "lock", "placed", "receipt.json"]
    print(dict(moments))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB; needs a system that lets this process mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", place], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("this process may not mount a small disk")
    yield place
    subprocess.run(["umount", place], check=True)


class TestSmallDisk:
    @pytest.fixture
    def archive(self, tree: Any, packed: Any, served: Any) -> Path:
        tree.mvtec("grid")
        rng = np.random.default_rng(0)
        for index in range(20):
            pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tree.root / f"grid/train/good/1{index}.png")
        path: Path = packed(tree.root, "mvtec.zip")
        served("mvtec", path)
        return path

    def test_is_noticed_before(self, archive: Path, small_disk: Path, server: Any) -> None:
        with pytest.raises(DataError, match="MB free"):
            fetch("mvtec", small_disk)
        assert server.requests == []

    def test_is_noticed_when_it_fills_up(
        self, archive: Path, small_disk: Path, tree: Any, content_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(space, "check", lambda *_: None)
        ballast = small_disk / "ballast"
        for size in (380_000, 300_000, 90_000):  # no room for a lock, for the archive, for its content
            ballast.write_bytes(bytes(size))
            with pytest.raises(DataError, match="No space left on device"):
                fetch("mvtec", small_disk)
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
        fetch("mvtec", small_disk)
        assert content_of(small_disk / "mvtec") == content_of(tree.root)

    def test_copying(
        self, archive: Path, small_disk: Path, tree: Any, content_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(space, "check", lambda *_: None)
        (small_disk / "ballast").write_bytes(bytes(200_000))
        with pytest.raises(DataError, match="No space left on device"):
            fetch("mvtec", small_disk, source=tree.root)
        (small_disk / "ballast").unlink()
        fetch("mvtec", small_disk, source=tree.root)
        assert content_of(small_disk / "mvtec") == content_of(tree.root)
