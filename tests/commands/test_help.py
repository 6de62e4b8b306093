"""Help answers at once: no command imports anything heavy before it works."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import typer.main

from mambaad_cli.app import app

HEAVY = ("torch", "timm", "numpy", "numba", "matplotlib", "pandas", "datasets", "scipy", "pydantic", "PIL")
COMMANDS = sorted(typer.main.get_command(app).commands)


def ended(words: list[str], code: int, heavy: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """`mambaad WORDS...` in a fresh interpreter: it has to end with `code` and to import none of `heavy`."""
    script = (
        "import sys\n"
        "from mambaad_cli.app import main\n"
        "code = 0\n"
        "try:\n"
        f"    main({words!r})\n"
        "except SystemExit as stop:\n"
        "    code = stop.code or 0\n"
        f"assert code == {code}, code\n"
        f"found = [name for name in {heavy!r} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    assert "mambaad" in ended(words, 0, HEAVY).stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["train", "optim.rl=1"], 2),
        (["train", "--budget", "soon"], 2),
        (["train", "--resume", "nowhere"], 4),
        (["train", "--sweep", "model.scan=spiral"], 2),
        (["train", "--processes", "2", "optim.rl=1"], 2),
        (["eval", "--metrics", "speed"], 2),
        (["eval", "nowhere"], 4),
        (["predict", "nowhere", "part.png"], 4),
        (["visualize", "nowhere"], 4),
        (["report", "nowhere"], 4),
    ],
)
def test_a_mistyped_word_is_told_before_torch_is_loaded(words: list[str], code: int) -> None:
    assert "error: " in ended(words, code, ("torch",)).stderr


def test_no_command_prints_help_and_is_no_error(mambaad: Callable[..., Any]) -> None:
    outcome = mambaad()
    assert outcome.code == 0
    for name in COMMANDS:
        assert name in outcome.out


def test_unexpected_errors_show_their_traceback_only_when_asked(
    mambaad: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr("mambaad_cli.recipe.recipe_names", broken)
    outcome = mambaad("config", "list")
    assert outcome.code == 1
    assert "unexpected: ZeroDivisionError: by hand" in outcome.err
    assert "mambaad -v" in outcome.err
    with pytest.raises(ZeroDivisionError):
        mambaad("-v", "config", "list")
