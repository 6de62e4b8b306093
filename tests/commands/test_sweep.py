"""`train --sweep` with processes of its own: what is printed and kept, and how it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny network is slower with more, above all where other processes want them too."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_a_sweep_prints_its_table_and_a_failure_ends_it_with_its_code(
    tiny: Path, mambaad: Callable[..., Any]
) -> None:
    # The second rate is so high that the loss cannot stay finite.
    words = ["train", tiny, "train.epochs=3", "--device", "cpu", "--sweep", "optim.lr=1e-3,1e30"]
    outcome = mambaad(*words)
    assert outcome.code == 4, outcome.err
    assert "1 of 2 members failed" in outcome.err
    assert "not finite" in outcome.err
    lines = outcome.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert [line.split()[:2] for line in lines[-2:]] == [["1e-3", "3"], ["1e30", "(failed)"]]
    (folder,) = Path("runs").glob("sweep-tiny-*")
    members = json.loads((folder / "sweep.json").read_text())["members"]
    good = members[0]
    evaluated = json.loads((Path(good["run"]) / "eval" / "metrics.json").read_text())
    assert good["metrics"] == evaluated["rows"]["mean"]
    # The good member is a run like any other; the sweep does not train it again.
    assert mambaad("eval", Path(good["run"]).name, "--metrics", "image_auroc").code == 0
    before = (Path(good["run"]) / "checkpoints" / "last.pt").stat().st_mtime_ns
    again = mambaad(*words, "--json")
    assert again.code == 4
    assert [row["status"] for row in again.json["members"]] == ["done", "failed"]
    assert (Path(good["run"]) / "checkpoints" / "last.pt").stat().st_mtime_ns == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sweep_leaves_a_checkpoint_and_says_how_to_go_on(tiny: Path, number: int) -> None:
    words = ["train", str(tiny), "train.epochs=100000", "--sweep", "seed=0,1", "--device", "cpu"]
    sweep = subprocess.Popen(
        [sys.executable, "-m", "mambaad_cli", *words], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    while not (logs := list(Path("runs").glob("tiny-*/train.jsonl"))):
        assert sweep.poll() is None, sweep.communicate()[1]
        time.sleep(0.1)
    sweep.send_signal(number)
    _, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 130, err
    assert f"go on: mambaad {' '.join(words)}" in err
    assert "Traceback" not in err
    assert (logs[0].parent / "checkpoints" / "last.pt").is_file()
    (record,) = Path("runs").glob("sweep-tiny-*/sweep.json")
    members = json.loads(record.read_text())["members"]
    assert [row["status"] for row in members] == ["begun", "waiting"]
    assert members[0]["run"] == str(logs[0].parent)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--sweep", "seed=0,1", "--resume", "latest"], 2, "do not go together"),
        (["--sweep", "seed=0,1", "--dry-run"], 2, "do not go together"),
        (["--dry-run", "--resume", "latest"], 2, "do not go together"),
        (["--sweep", "seed=0,1", "--budget", "5m"], 2, "do not go together"),
        (["--sweep", "sed=0,1"], 2, "did you mean seed?"),
        (["--sweep", "model.scan=hilbert,hilbrt"], 2, "did you mean hilbert?"),
        (["--sweep", "seed=0,1", "--track", "tensorbord"], 2, "did you mean tensorboard?"),
        (["--sweep", "seed=0,1", "--dataset", "mvtec"], 3, "mambaad fetch mvtec"),
    ],
)
def test_refusals(tiny: Path, mambaad: Callable[..., Any], words: list[str], code: int, message: str) -> None:
    outcome = mambaad("train", tiny, *words)
    assert outcome.code == code, outcome.err
    assert message in outcome.err
    assert not Path("runs").exists()
