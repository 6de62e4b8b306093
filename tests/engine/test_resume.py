"""However a training is stopped, resuming it ends in the same weights as one that never stopped."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.app import main
from mambaad_cli.engine import loop
from mambaad_cli.engine.checkpoint import LAST, PREVIOUS, load_checkpoint
from mambaad_cli.recipe import load_recipe

SETTINGS = ("train.epochs=4", "data.holdout=0.2", "optim.ema=0.9", "model.drop_path=0.5")  # 2 steps per epoch
KILLS = int(os.environ.get("MAMBAAD_KILLS", "50"))


@pytest.fixture
def whole(tiny: Path, mambaad: Callable[..., Any]) -> Path:
    """A run that nobody disturbed."""
    return Path(mambaad("train", tiny, *SETTINGS, "name=whole", "-q").out.strip())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_at_any_step_is_obeyed_and_leaves_no_trace(
    number: signal.Signals,
    tiny: Path,
    whole: Path,
    mambaad: Callable[..., Any],
    newest: Callable[[], Path],
    assert_same_training: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = loop.training_step

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), number)  # in the middle of a step
        return step(*arguments)

    monkeypatch.setattr(loop, "training_step", interrupted)
    words = ["train", tiny, *SETTINGS, "name=parts"]
    for kept in range(1, 9):
        stopped = mambaad(*words)
        run = newest()
        assert stopped.code == 130
        assert f"stopped after step {kept} of 8 ({kept // 2} of 4 epochs)" in stopped.err
        assert f"mambaad train --resume {run.name}" in stopped.err
        assert "Traceback" not in stopped.err
        words = ["train", "--resume", run.name]
    assert mambaad(*words, "-q").code == 0
    assert_same_training(run, whole)


def test_a_second_ctrl_c_does_not_wait(
    tiny: Path,
    whole: Path,
    mambaad: Callable[..., Any],
    newest: Callable[[], Path],
    assert_same_training: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step, calls = loop.training_step, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 6:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return step(*arguments)

    monkeypatch.setattr(loop, "training_step", interrupted)
    stopped = mambaad("train", tiny, *SETTINGS, "name=parts", "train.checkpoint_minutes=0")
    assert stopped.code == 130
    assert "stopped after step 5 of 8 (2 of 4 epochs)" in stopped.err
    monkeypatch.setattr(loop, "training_step", step)
    run = newest()
    assert mambaad("train", "--resume", run.name, "-q").code == 0
    assert_same_training(run, whole)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGKILL nor a fork server")
def test_random_kills_leave_no_trace(
    tiny: Path,
    mambaad: Callable[..., Any],
    newest: Callable[[], Path],
    assert_same_training: Callable[..., None],
) -> None:
    settings = (*SETTINGS, "train.epochs=16", "train.checkpoint_minutes=0")
    whole = Path(mambaad("train", tiny, *settings, "name=whole", "-q").out.strip())
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["mambaad_cli.engine.loop", "mambaad_cli.scan.kernels.cpu"])
    rng, killed, round_ = random.Random(0), 0, 0
    while killed < KILLS:
        round_ += 1
        name = f"parts{round_}"
        words = ["train", str(tiny), *settings, f"name={name}", "-q"]
        exit_code: int | None = None
        while exit_code != 0:
            process = server.Process(target=main, args=(words,))
            process.start()
            process.join(rng.uniform(0.3, 2.0) if killed < KILLS else None)
            killed += process.exitcode is None
            process.kill()
            process.join()
            exit_code = process.exitcode
            assert exit_code in (0, -signal.SIGKILL)
            if newest().name.startswith(name):  # killed before that, it begins again
                words = ["train", "--resume", str(newest().absolute()), "-q"]
        assert_same_training(newest(), whole)
    assert killed == KILLS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_a_polite_kill_of_the_real_program(tiny: Path, newest: Callable[[], Path]) -> None:
    words = [sys.executable, "-m", "mambaad_cli", "train", str(tiny), "train.epochs=100000"]
    program = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (Path("runs/latest").is_file() and (newest() / "train.jsonl").is_file()):
        assert program.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    program.terminate()
    _, said = program.communicate(timeout=60)
    assert program.returncode == 130
    assert f"mambaad train --resume {newest().name}" in said
    assert load_checkpoint(newest())["step"] > 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["optim.lr=0.1"], "keeps its own recipe; not changed: optim.lr=0.1"),
        (["--epochs", "9"], "keeps its own recipe; not changed: train.epochs=9"),
        (["--budget", "1h"], "--resume and --budget do not go together"),
    ],
)
def test_changing_the_recipe_of_a_resumed_run_is_refused(
    words: list[str], reason: str, trained: Path, mambaad: Callable[..., Any]
) -> None:
    refused = mambaad("train", "--resume", trained.name, *words)
    assert refused.code == 2
    assert reason in refused.err


def test_a_torn_checkpoint_falls_back_to_the_one_before(
    tiny: Path,
    whole: Path,
    mambaad: Callable[..., Any],
    newest: Callable[[], Path],
    assert_same_training: Callable[..., None],
) -> None:
    mambaad("train", tiny, *SETTINGS, "name=parts", "train.checkpoint_minutes=0", "-q")
    run = newest()
    last = run / LAST
    last.write_bytes(last.read_bytes()[:1000])
    assert load_checkpoint(run)["step"] == 7
    resumed = mambaad("train", "--resume", run.name)
    assert resumed.code == 0
    assert "damaged" in resumed.err
    assert_same_training(run, whole)
    for name in (LAST, PREVIOUS):
        (run / name).write_bytes(b"torn")
    lost = mambaad("train", "--resume", run.name)
    assert lost.code == 4
    assert "last.pt is damaged" in lost.err
    assert "previous.pt is damaged" in lost.err


def test_the_checkpoint_loads_without_running_code(trained: Path) -> None:
    import pickle

    class Hostile:
        def __reduce__(self) -> Any:
            return os.mkdir, ("broken-into",)

    (trained / LAST).write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(Exception, match="damaged"):
        load_checkpoint(trained)
    assert not Path("broken-into").exists()


def test_settings_of_this_test_draw_random_numbers_and_watch_pictures(tiny: Path) -> None:
    """Or the tests above would prove less than they say."""
    recipe = load_recipe(tiny, SETTINGS)
    assert recipe.model.drop_path > 0
    assert recipe.data.holdout > 0
    assert recipe.optim.ema > 0
