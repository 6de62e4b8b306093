"""`mambaad train --sweep`: all combinations of some values, one run each, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mambaad_cli import console
from mambaad_cli.commands import options

if TYPE_CHECKING:
    from rich.table import Table

    from mambaad_cli.engine.sweep import Row


def print_sweep(
    words: Sequence[str],
    sweeps: Sequence[str],
    *,
    data_dir: Path | None,
    device: str,
    processes: int,
    track: str | None,
) -> None:
    """Run the sweep, print its table, and end with the exit code of the first member that failed."""
    import typer

    from mambaad_cli import env
    from mambaad_cli.engine.grid import make_grid
    from mambaad_cli.engine.sweep import SCHEMA, TABLE, over_seeds, run_sweep, sweep_folder
    from mambaad_cli.errors import Interrupted, MambaadError

    members = make_grid(words, sweeps)
    folder = sweep_folder(members)
    machine = ["--device", device, "--processes", str(processes)]
    machine += ["--data-dir", str(data_dir)] if data_dir else []
    training = ["--track", track] if track else []
    console.say(f"sweep {folder}: {len(members)} runs, one after the other")
    try:
        rows = run_sweep(members, data_dir or env.data_root(), machine, training)
    except (Interrupted, KeyboardInterrupt):
        raise Interrupted(
            f"the sweep stopped; {folder} knows how far it is", options.same_command("go on")
        ) from None
    data = {
        "schema": SCHEMA,
        "folder": str(folder),
        "members": [vars(row) for row in rows],
        "over_seeds": over_seeds(rows),
    }
    console.result(_table(rows), data, brief=str(folder))
    console.say(f"[dim]written: {folder / TABLE}; next: mambaad report RUN[/dim]")
    failed = [row for row in rows if row.status == "failed"]
    if failed and console.Mode.json:
        raise typer.Exit(failed[0].exit_code)
    if failed:
        reasons = [f"  {' '.join(row.values.values())}: {row.error} ({row.run})" for row in failed]
        error = MambaadError(
            f"{len(failed)} of {len(rows)} members failed:\n" + "\n".join(reasons),
            options.same_command("try them again"),
        )
        error.exit_code = failed[0].exit_code
        raise error


def _table(rows: Sequence[Row]) -> Table:
    """Members and, below, their means and deviations over seeds, in percent."""
    from mambaad_cli.engine.sweep import COLUMNS, SEED, over_seeds
    from mambaad_cli.render.tables import HEADERS, percent, plain_table

    title = "exact protocol, mean over categories, percent"
    table = plain_table(title, " ".join(rows[0].values), ["epoch", *(HEADERS[name] for name in COLUMNS)])
    for row in rows:
        epoch = "-" if row.epoch is None else f"{row.epoch:g}"
        label = " ".join(row.values.values()) + ("" if row.status == "done" else f" ({row.status})")
        table.add_row(label, epoch, *(percent(row.metrics.get(name)) for name in COLUMNS))
    groups = over_seeds(rows)
    if groups:
        table.add_section()
    for group in groups:
        for what in ("mean", "std"):
            values = {key: group["values"].get(key, what) for key in rows[0].values}
            values[SEED] = f"{what} of {group['count']}"
            label = " ".join(values.values())
            table.add_row(label, "", *(percent(group[what][name]) for name in COLUMNS))
    return table
