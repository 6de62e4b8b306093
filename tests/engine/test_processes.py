"""Several processes on one run, really started, with gloo on the CPU: they do what one process does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mambaad_cli.engine.checkpoint import load_checkpoint
from mambaad_cli.engine.processes import first_failure

Log = Callable[[Path], list[dict[str, Any]]]


def program(*words: object) -> subprocess.Popen[str]:
    """`mambaad WORDS...` in a process of its own."""
    return started([sys.executable, "-m", "mambaad_cli", *map(str, words)])


def started(words: list[str]) -> subprocess.Popen[str]:
    """A program, all processes of which work on one thread; temporary files go to `scratch`."""
    Path("scratch").mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(Path("scratch").absolute())}
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out.strip(), err


SLOW = ("optim.lr=1e-5", "model.drop_path=0.5", "train.epochs=3", "data.holdout=0.2", "train.batch_size=2")


@pytest.fixture
def alone(tiny: Path, mambaad: Callable[..., Any]) -> Path:
    """A run by one process; with a small rate, since AdamW blows the last digit of its first gradients up."""
    return Path(mambaad("train", tiny, *SLOW, "name=alone", "-q").out.strip())


def assert_same_curve(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert len(one) == len(other) == 3
    for ours, theirs in zip(one, other, strict=True):
        assert ours["step"] == theirs["step"]
        assert ours["loss_scales"] == pytest.approx(theirs["loss_scales"], rel=2e-5)
        assert ours["held_loss"] == pytest.approx(theirs["held_loss"], rel=2e-5)


def test_two_processes_have_the_loss_curve_of_one(tiny: Path, alone: Path, log: Log) -> None:
    code, run, err = ended(program("train", tiny, *SLOW, "name=shared", "--processes", 2, "-q"))
    assert (code, err) == (0, "")
    assert_same_curve(log(alone), log(Path(run)))
    # Batch statistics are those of the whole batch, and the same in the file.
    ours, theirs = (load_checkpoint(path)["model"] for path in (alone, Path(run)))
    for name in ("fusion.merge.1.running_mean", "fusion.merge.1.running_var", "fusion.merge.1.weight"):
        assert ours[name].numpy() == pytest.approx(theirs[name].numpy(), rel=1e-3, abs=1e-4), name


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("machines", [1, 2])
def test_torchrun_works_as_its_documentation_says(machines: int, tiny: Path, alone: Path, log: Log) -> None:
    """One launcher with two processes; or two with one each, as on two machines that share a disk."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", str(machines)]
    meeting = ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"localhost:{free_port()}", "--rdzv-id", "one"]
    words = [*torchrun, *meeting, "--nproc-per-node", str(2 // machines), "-m", "mambaad_cli"]
    words += ["train", str(tiny), *SLOW, "name=shared", "-q"]
    finished = [ended(process) for process in [started(words) for _ in range(machines)]]
    assert all(code == 0 for code, _, _ in finished), finished
    (run,) = [out for _, out, _ in finished if out]  # told once, by the main process
    assert_same_curve(log(alone), log(Path(run)))


def test_an_evaluation_in_two_processes_drops_and_doubles_no_picture(tiny: Path, trained: Path) -> None:
    words = ("eval", trained, "--batch-size", 2, "-q")  # five pictures per category: batches of 2, 2 and 1
    results = []
    for processes in (1, 2):
        code, _, err = ended(program(*words, "--processes", processes))
        assert (code, err) == (0, "")
        results.append([(trained / "eval" / name).read_text() for name in ("scores.csv", "metrics.json")])
        assert not (trained / "eval" / "parts").exists()
    assert results[0] == results[1]


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def when_it_trains(process: subprocess.Popen[str], newest: Callable[[], Path]) -> None:
    """Wait until the run has a checkpoint."""
    deadline = time.monotonic() + 200
    while not (Path("runs/latest").is_file() and (newest() / "checkpoints" / "previous.pt").is_file()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


ENDLESS = ("train.epochs=100000", "train.checkpoint_minutes=0", "--processes", 2)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes with Linux's ps")
@pytest.mark.parametrize("rank", [0, 1])
def test_killing_one_worker_ends_the_job_with_a_resumable_run(
    rank: int, tiny: Path, newest: Callable[[], Path], mambaad: Callable[..., Any]
) -> None:
    process = program("train", tiny, *ENDLESS)
    when_it_trains(process, newest)
    workers = workers_of(process)
    assert len(workers) == 2
    os.kill(workers[rank], signal.SIGKILL)
    code, _, err = ended(process)
    assert code == 4, err
    assert f"process {rank} was killed by signal 9" in err
    assert "mambaad train --resume" in err
    assert "Traceback" not in err
    assert load_checkpoint(newest())["step"] > 0
    recipe = newest() / "recipe.yaml"
    done = load_checkpoint(newest())["step"] // 3 + 1
    recipe.write_text(recipe.read_text().replace("epochs: 100000", f"epochs: {done}"))
    assert mambaad("train", "--resume", newest().name, "-q").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes with Linux's ps")
def test_killing_one_worker_of_an_evaluation_says_how_to_go_on(trained: Path) -> None:
    process = program("eval", trained, "--processes", 2)
    deadline = time.monotonic() + 100
    while len(workers := workers_of(process)) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(workers[1], signal.SIGKILL)
    code, _, err = ended(process)
    assert code == 4, err
    assert "process 1 was killed by signal 9" in err
    assert f"go on: mambaad eval {trained} --processes 2" in err


def failure(code: int, seen: int, told: float | None = None) -> Any:
    """As the launcher sees it: exit code, the second in which it was seen, and when the process told why."""
    data = {} if told is None else {"message": "", "hint": None, "code": 4, "timestamp": told}
    return SimpleNamespace(exitcode=code, timestamp=seen if told is None else int(told), error_file_data=data)


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param([failure(-9, 101), failure(4, 0, 100.9)], id="told, and seen before the kill was"),
        pytest.param([failure(-9, 101), failure(-15, 0, 100.9)], id="told, then ended while it ended itself"),
        pytest.param([failure(4, 0, 100.3), failure(4, 0, 100.4)], id="told within the same second"),
        pytest.param([failure(4, 0, 100.3), failure(-15, 100)], id="others ended politely"),
        pytest.param([failure(4, 0, 100.3), failure(-9, 130)], id="others ended by force"),
        pytest.param([failure(-11, 100), failure(-15, 100), failure(-9, 130)], id="crashed without a word"),
    ],
)
def test_the_first_failure_is_the_one_that_is_told(failures: list[Any]) -> None:
    assert first_failure(failures) is failures[0]
    assert first_failure(reversed(failures)) is failures[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no polite kill")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_all_processes_after_the_same_step(
    number: signal.Signals, tiny: Path, newest: Callable[[], Path]
) -> None:
    process = program("train", tiny, *ENDLESS)
    when_it_trains(process, newest)
    process.send_signal(number)
    code, _, err = ended(process)
    assert code == 130, err
    assert err.count("error: ") == 1
    assert f"mambaad train --resume {newest().name}" in err
    assert "death signal" not in err
    assert "Traceback" not in err
    assert load_checkpoint(newest())["step"] > 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--dataset", "folder:nowhere"], 3, "nowhere"),
        (["train.batch_size=3"], 2, "cannot be shared out evenly: 2 processes x 1 portions"),
    ],
)
def test_an_error_of_all_processes_is_told_once(
    tiny: Path, words: list[str], code: int, message: str
) -> None:
    found, out, err = ended(program("train", tiny, *words, "--processes", 2))
    assert found == code, err
    assert err.count("error: ") == 1
    assert message in err
    assert not list(Path("scratch").iterdir())
    assert not out
    assert "Traceback" not in err
