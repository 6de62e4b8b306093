"""A sweep: its members are trained and measured one after the other, each as commands of their own.

A member has its own process, so that neither its memory nor its end touches the others. What is known of the
members is kept in the sweep's folder after each change: the same sweep again goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mambaad_cli import console, env
from mambaad_cli.data.index import open_dataset
from mambaad_cli.engine.grid import Member
from mambaad_cli.engine.results import Values, write_json
from mambaad_cli.engine.runs import create_run, own_run
from mambaad_cli.engine.stopping import stop_requests
from mambaad_cli.errors import Interrupted, RunError
from mambaad_cli.metrics import METRICS

SCHEMA = "mambaad.sweep/1"
RECORD, TABLE = "sweep.json", "sweep.csv"
COLUMNS = (*METRICS, "mad")
SEED = "seed"
POLL_SECONDS = 0.2


@dataclass
class Row:
    """What is known of a member.

    Attributes:
        values: swept setting -> value.
        run: its run's folder, once there is one.
        status: "failed" says why in `error` and with which exit code; it is tried again by the same sweep.
        epoch, metrics: which weights were measured, and their mean over categories, as fractions.
    """

    values: dict[str, str]
    run: str | None = None
    status: Literal["waiting", "begun", "done", "failed"] = "waiting"
    error: str | None = None
    exit_code: int = 0
    epoch: float | None = None
    metrics: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """How a command ended: its exit code and the JSON object it printed."""

    code: int
    content: dict[str, Any]


Command = Callable[[Sequence[str]], Answer]
"""Runs `mambaad WORDS... --json`."""


def sweep_folder(members: Sequence[Member]) -> Path:
    """The folder of the sweep: the same for the same settings, another as soon as one differs."""
    text = "\n".join(member.recipe.to_yaml() for member in members)
    name = members[0].recipe.name.replace("/", "-")
    return env.runs_root() / f"sweep-{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def run_sweep(
    members: Sequence[Member],
    data_root: Path,
    machine: Sequence[str] = (),
    training: Sequence[str] = (),
    command: Command | None = None,
) -> list[Row]:
    """Train and measure all members that are not done yet; leaves sweep.json and sweep.csv in the folder.

    Args:
        machine: options of every command of the sweep, for example ["--device", "cpu"].
        training: options of the trainings only.
        command: runs one; None = in a process of its own.

    Raises:
        UsageError, DataError: a dataset of a member is not there; told before the first begins.
        RunError: another process is at the same sweep.
        Interrupted: Ctrl-C or SIGTERM, which also reach the member's process; it leaves a checkpoint.
    """
    command = command or child
    for member in members:
        _open(member, data_root)
    folder = sweep_folder(members)
    folder.mkdir(parents=True, exist_ok=True)
    with own_run(folder):
        rows = _read(folder, members)
        for number, (member, row) in enumerate(zip(members, rows, strict=True), 1):
            if row.status == "done":
                continue
            console.say(f"[bold]{number}/{len(members)}[/bold] {member.label}")
            if row.run is None or not Path(row.run).is_dir():
                row.run = str(create_run(member.recipe, dataset=_open(member, data_root).receipt))
            row.status, row.error, row.exit_code = "begun", None, 0
            _write(folder, rows)
            _do(row, machine, training, command)
            _write(folder, rows)
        return rows


def over_seeds(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """For members that differ in nothing but the seed: mean and standard deviation of those that are done.

    Returns:
        one dict for each group: "values" (without the seed), "count", "mean" and "std" (of the sample; None
        for a single one), each of the two a dict of metrics.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Values]] = {}
    for row in rows:
        if SEED in row.values and row.status == "done":
            group = tuple((key, value) for key, value in row.values.items() if key != SEED)
            groups.setdefault(group, []).append(row.metrics)
    return [
        {
            "values": dict(group),
            "count": len(found),
            "mean": {name: _over(statistics.fmean, found, name, 1) for name in COLUMNS},
            "std": {name: _over(statistics.stdev, found, name, 2) for name in COLUMNS},
        }
        for group, found in groups.items()
    ]


def child(words: Sequence[str]) -> Answer:
    """Run `mambaad WORDS... --json` in a process of its own; what it tells people goes where ours goes.

    Raises:
        Interrupted: a stop was asked for; the process has ended.
    """
    quiet = ["-q"] if console.Mode.quiet else []
    with stop_requests() as stop_asked:
        process = subprocess.Popen(
            [sys.executable, "-m", "mambaad_cli", *words, "--json", *quiet],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        told = False
        while True:
            try:
                output, _ = process.communicate(timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                # Ctrl-C in a terminal reaches the process by itself, on Windows it is the only way.
                if stop_asked() and not told and sys.platform != "win32":
                    process.terminate()
                    told = True
        if stop_asked() or process.returncode == Interrupted.exit_code:
            raise Interrupted("stopped")
    return Answer(process.returncode, _json(output))


def _do(row: Row, machine: Sequence[str], training: Sequence[str], command: Command) -> None:
    """Train and measure the run of a member, as far as that is to be done; the outcome goes into `row`."""
    assert row.run is not None
    answer = command(["train", "--resume", row.run, *machine, *training])
    if answer.code == 0:
        answer = command(["eval", row.run, *machine])
    if answer.code == 0:
        row.status, row.epoch = "done", answer.content["settings"]["epoch"]
        row.metrics = {name: answer.content["rows"]["mean"][name] for name in COLUMNS}
        return
    how = f"was killed by signal {-answer.code}" if answer.code < 0 else f"ended with code {answer.code}"
    row.status, row.exit_code = "failed", max(answer.code, 1)
    row.error = answer.content.get("error", {}).get("message", f"its process {how}")


def _open(member: Member, data_root: Path) -> Any:
    data = member.recipe.data
    return open_dataset(data.dataset, data_root, data.named)


def _read(folder: Path, members: Sequence[Member]) -> list[Row]:
    """The record of the sweep, or a new one."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return [Row(**row) for row in content["members"]]
    except FileNotFoundError:
        return [Row(member.values) for member in members]
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"the record of the sweep is damaged: {folder / RECORD}", "remove it to begin the sweep anew"
        ) from error


def _write(folder: Path, rows: Sequence[Row]) -> None:
    write_json(folder / RECORD, {"schema": SCHEMA, "members": [asdict(row) for row in rows]})
    lines = [
        {**row.values, "status": row.status, "epoch": row.epoch, **row.metrics, "run": row.run}
        for row in rows
    ]
    lines += [
        {**group["values"], SEED: what, "status": f"of {group['count']}", **group[what]}
        for group in over_seeds(rows)
        for what in ("mean", "std")
    ]
    columns = [*rows[0].values, "status", "epoch", *COLUMNS, "run"]
    aside = (folder / TABLE).with_suffix(".tmp")
    pd.DataFrame(lines, columns=columns).to_csv(aside, index=False)
    aside.replace(folder / TABLE)


def _over(
    statistic: Callable[[list[float]], float], found: Sequence[Values], name: str, least: int
) -> float | None:
    """A statistic of a metric; None where the metric is not defined for all, or there are too few."""
    values = [value for metrics in found if (value := metrics.get(name)) is not None]
    return statistic(values) if len(values) == len(found) >= least else None


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return content if isinstance(content, dict) else {}
