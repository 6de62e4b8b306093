"""A sweep: the order of its work, what it keeps, how it goes on, and its numbers over seeds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mambaad_cli.engine.grid import Member, make_grid
from mambaad_cli.engine.runs import find_run, read_recipe
from mambaad_cli.engine.sweep import COLUMNS, Answer, Row, over_seeds, run_sweep, sweep_folder
from mambaad_cli.errors import DataError, Interrupted, RunError


class Commands:
    """Stands in for the processes of a sweep: notes what was asked for, and answers from the run's recipe."""

    def __init__(self, stop_at: int = 0, broken_rate: float = 0) -> None:
        self.asked: list[tuple[str, str]] = []
        self.stop_at, self.broken_rate = stop_at, broken_rate

    def __call__(self, words: Sequence[str]) -> Answer:
        run = next(word for word in words if "runs" in word)
        self.asked.append((words[0], run))
        if len(self.asked) == self.stop_at:
            raise Interrupted("stopped")
        recipe = read_recipe(Path(run))
        if words[0] == "eval":
            mean = {name: (recipe.seed + place) / 100 for place, name in enumerate(COLUMNS)}
            return Answer(0, {"settings": {"epoch": recipe.train.epochs}, "rows": {"mean": mean}})
        if recipe.optim.lr == self.broken_rate:
            return Answer(4, {"error": {"code": 4, "message": "the loss is not finite", "hint": "no"}})
        return Answer(0, {})


@pytest.fixture
def members(tiny: Path) -> list[Member]:
    return make_grid([str(tiny)], ["optim.lr=1e-3,2e-3", "seed=0,4,5"])


def table(members: list[Member]) -> pd.DataFrame:
    return pd.read_csv(sweep_folder(members) / "sweep.csv")


def test_members_are_ordinary_runs_trained_and_measured_in_order(members: list[Member]) -> None:
    commands = Commands()
    rows = run_sweep(members, Path("data"), ["--device", "cpu"], ["--processes", "2"], commands)
    assert [what for what, _ in commands.asked] == ["train", "eval"] * 6
    for member, row in zip(members, rows, strict=True):
        assert row.run is not None
        assert read_recipe(find_run(Path(row.run).name)) == member.recipe
        assert (row.status, row.epoch) == ("done", 2)
    assert len({row.run for row in rows}) == 6


def test_options_go_where_they_belong(members: list[Member]) -> None:
    asked: list[list[str]] = []

    def command(words: Sequence[str]) -> Answer:
        asked.append(list(words))
        return Commands()(words)

    run_sweep(members[:1], Path("data"), ["--device", "cpu"], ["--processes", "2"], command)
    train, evaluate = asked
    assert train[:2] == ["train", "--resume"]
    assert train[3:] == ["--device", "cpu", "--processes", "2"]
    assert evaluate[2:] == ["--device", "cpu"]


def test_the_table_has_members_and_their_statistics_over_seeds(members: list[Member]) -> None:
    run_sweep(members, Path("data"), command=Commands())
    found = table(members)
    assert list(found.columns) == ["optim.lr", "seed", "status", "epoch", *COLUMNS, "run"]
    runs, summary = found[:6], found[6:]
    assert list(runs.seed.astype(int)) == [0, 4, 5] * 2
    assert list(runs.mad) == pytest.approx([(seed + 7) / 100 for seed in (0, 4, 5)] * 2)
    assert list(summary.seed) == ["mean", "std"] * 2
    assert list(summary["optim.lr"]) == [0.001, 0.001, 0.002, 0.002]
    for place, name in enumerate(COLUMNS):
        values = [(seed + place) / 100 for seed in (0, 4, 5)]
        deviation = (sum((value - sum(values) / 3) ** 2 for value in values) / 2) ** 0.5
        assert list(summary[name]) == pytest.approx([sum(values) / 3, deviation] * 2)


def test_the_same_sweep_again_does_only_what_is_left(members: list[Member]) -> None:
    first = Commands(stop_at=6)  # while the third member is measured
    with pytest.raises(Interrupted):
        run_sweep(members, Path("data"), command=first)
    assert list(table(members).status[:6]) == ["done", "done", "begun", "waiting", "waiting", "waiting"]
    second = Commands()
    rows = run_sweep(members, Path("data"), command=second)
    # The third goes on in its own run; the first two are not touched.
    assert second.asked[:2] == first.asked[4:6]
    assert len(second.asked) == 2 * 4
    assert {row.status for row in rows} == {"done"}
    third = Commands()
    assert run_sweep(members, Path("data"), command=third) == rows
    assert third.asked == []


def test_another_setting_is_another_sweep(tiny: Path, members: list[Member]) -> None:
    other = make_grid([str(tiny), "train.epochs=3"], ["optim.lr=1e-3,2e-3", "seed=0,4,5"])
    assert sweep_folder(other) != sweep_folder(members)
    assert sweep_folder(members).name.startswith("sweep-tiny-")


def test_a_member_that_fails_is_noted_and_tried_again(members: list[Member]) -> None:
    rows = run_sweep(members, Path("data"), command=Commands(broken_rate=0.001))
    assert [row.status for row in rows] == ["failed"] * 3 + ["done"] * 3
    assert (rows[0].error, rows[0].exit_code) == ("the loss is not finite", 4)
    assert list(table(members).status[:6]) == ["failed"] * 3 + ["done"] * 3
    again = Commands()
    rows = run_sweep(members, Path("data"), command=again)
    assert [row.status for row in rows] == ["done"] * 6
    assert len(again.asked) == 6


@pytest.mark.parametrize(("code", "message"), [(-9, "killed by signal 9"), (1, "ended with code 1")])
def test_a_process_that_dies_without_a_word_is_a_failure(
    members: list[Member], code: int, message: str
) -> None:
    (row,) = run_sweep(members[:1], Path("data"), command=lambda words: Answer(code, {}))
    assert row.status == "failed"
    assert message in (row.error or "")
    assert row.exit_code >= 1


def test_a_run_that_was_removed_is_made_anew(members: list[Member]) -> None:
    with pytest.raises(Interrupted):
        run_sweep(members[:2], Path("data"), command=Commands(stop_at=2))
    (before,) = Path("runs").glob("tiny-*")
    shutil.rmtree(before)
    rows = run_sweep(members[:2], Path("data"), command=Commands())
    assert [row.status for row in rows] == ["done"] * 2


def test_a_missing_dataset_is_told_before_anything_begins(tiny: Path) -> None:
    commands = Commands()
    with pytest.raises(DataError):
        run_sweep(make_grid([str(tiny)], ["data.dataset=folder:parts,mvtec"]), Path("data"), command=commands)
    assert commands.asked == []
    assert not Path("runs").exists()


def test_a_damaged_record_is_named(members: list[Member]) -> None:
    record = sweep_folder(members) / "sweep.json"
    record.parent.mkdir(parents=True)
    for text in ("", "{}", '{"members": [{"who": 1}]}'):
        record.write_text(text, encoding="utf-8")
        with pytest.raises(RunError, match=r"sweep\.json"):
            run_sweep(members, Path("data"), command=Commands())


def test_statistics_leave_out_what_is_not_there() -> None:
    def row(seed: int, mad: float | None, status: Any = "done") -> Row:
        return Row({"seed": str(seed), "k": "a"}, status=status, metrics={"mad": mad, "image_ap": 0.5})

    (group,) = over_seeds([row(0, 0.2), row(1, None), row(2, 0.9, "failed")])
    assert (group["values"], group["count"]) == ({"k": "a"}, 2)
    assert group["mean"]["mad"] is None
    assert group["mean"]["image_ap"] == 0.5
    assert group["std"]["image_ap"] == 0
    (single,) = over_seeds([row(0, 0.2)])
    assert (single["mean"]["mad"], single["std"]["mad"]) == (0.2, None)
    assert over_seeds([Row({"k": "a"}, status="done", metrics={"mad": 0.1})]) == []
    (pair,) = over_seeds([row(0, 0.2), row(1, 0.4)])
    assert pair["std"]["mad"] == pytest.approx(0.02**0.5)
