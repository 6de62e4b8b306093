"""Several processes that work on one run: starting them, and what they agree on.

The engine is Hugging Face accelerate over torch.distributed. `launch` starts the processes of one machine as
torchrun does; torchrun itself, on one machine or several, works as its documentation says.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mambaad_cli import console, env
from mambaad_cli.errors import DeviceError, Interrupted, MambaadError, RunError

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

PATIENCE = timedelta(days=1)  # a process may wait so long for one that measures or writes
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # where the launcher reads what ended a process
NOTICED_SECONDS = 10  # a failure that the launcher sees later is the end of a process that it had to kill


def launched() -> bool:
    """Whether this process is one of several that torchrun, or `launch`, has started."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def launch(processes: int, words: Sequence[str], again: str) -> None:
    """Run `mambaad WORDS...` in so many processes on this machine; return when all are done.

    Args:
        again: the hint that says how to go on when a process is lost.

    Raises:
        MambaadError: what ended one of them; the launcher has ended the others.
        SystemExit: Ctrl-C or SIGTERM, which reach the processes too; the main one has said how to go on.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for logger in ("torch.distributed", "torch.distributed.elastic.agent.server.api"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # what happens is told once, by us
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    with TemporaryDirectory(prefix="mambaad-") as folder:  # of what the processes pass on
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(config, sys.executable)("-m", "mambaad_cli", *words)
        except ChildFailedError as error:
            raise _told(first_failure(error.failures.values()), again) from None
        except SignalException:
            console.say("stopped, with all its processes")
            raise SystemExit(Interrupted.exit_code) from None


def pass_on(error: MambaadError) -> bool:
    """Hand an error to the launcher, which tells it; False where this process has to tell it itself."""
    path = os.environ.get(ERROR_FILE)
    if not path:
        return False
    if isinstance(error, Interrupted):
        return console.Mode.mute  # all stop for the same reason, and the main process knows the run
    content = {"message": error.message, "hint": error.hint, "code": error.exit_code}
    Path(path).write_text(json.dumps({**content, "timestamp": time.time()}), encoding="utf-8")
    return True


def first_failure(failures: Iterable[ProcessFailure]) -> ProcessFailure:
    """The failure that made the others fail.

    A process that is killed cannot say so, while those that lose it pass an error on, perhaps before the
    launcher sees the dead one. So a silent end by a signal comes first, then what was passed on earliest;
    last those that the launcher ended itself, by SIGTERM and later by SIGKILL.
    """
    failures = list(failures)
    noticed = min(failure.timestamp for failure in failures)

    def order(failure: ProcessFailure) -> tuple[int, float]:
        told = failure.error_file_data
        if "code" in told:
            return 1, told["timestamp"]
        late = failure.timestamp > noticed + NOTICED_SECONDS
        killed = failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM and not late
        return (0 if killed else 2), failure.timestamp

    return min(failures, key=order)


def _told(failure: ProcessFailure, again: str) -> MambaadError:
    """The error that a process passed on, or one that says how it ended."""
    content, code = failure.error_file_data, failure.exitcode
    if "code" not in content:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return RunError(f"process {failure.local_rank} {how}, so the others were stopped", again)
    error = MambaadError(content["message"], content["hint"])
    error.exit_code = content["code"]
    return error


@contextmanager
def all_needed(again: str) -> Iterator[None]:
    """Turn a broken connection between the processes, as torch tells it, into a RunError with that hint."""
    try:
        yield
    except RuntimeError as error:
        # torch has DistError and its kinds, not in every build; gloo's errors are plain RuntimeErrors.
        if not type(error).__name__.startswith("Dist") and "gloo" not in str(error):
            raise
        raise RunError(
            "the connection to another process broke: it, or the network, is gone", again
        ) from error


def make_accelerator(
    device: torch.device, precision: str = "fp32", tracker: str | None = None
) -> Accelerator:
    """What places, shares out and scales the work of this process.

    Args:
        device: the kind of device, and which one for a process alone.
        precision: "fp32", "bf16" or "fp16", of matrix products.
        tracker: name of a tracker that accelerate knows, for example "tensorboard".

    Raises:
        DeviceError: the device cannot do that precision, or the tracker's package is missing.
    """
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from accelerate.utils import InitProcessGroupKwargs, is_bf16_available

    if precision == "fp16" and device.type == "cpu":
        raise DeviceError("fp16 needs a GPU: on a CPU its gradients vanish", "use --precision bf16 or fp32")
    if precision == "bf16" and device.type != "cpu" and not is_bf16_available():
        raise DeviceError(f"{device} cannot compute in bf16", "use --precision fp16 or fp32")
    warnings.filterwarnings("ignore", message="Grad strides do not match")  # of depth-wise weights: harmless
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    AcceleratorState._reset_state()  # the precision of an earlier training in this process
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="no" if precision == "fp32" else precision,
        log_with=tracker,
        project_dir=str(env.runs_root()),  # until there is a run (`tracking.start_tracking`)
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )
    if not accelerator.is_main_process:
        console.mute()
    return accelerator


def decided_by_main(accelerator: Accelerator, decide: Callable[[], Path]) -> Path:
    """What `decide` returns in the main process, known to all; it is called there only."""
    from accelerate.utils import broadcast_object_list

    answer = [str(decide()) if accelerator.is_main_process else ""]
    broadcast_object_list(answer)
    return Path(answer[0])
