"""Help answers at once: no command imports anything heavy before it works."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer.main

from mambaad_cli.app import app

HEAVY = ("torch", "timm", "numpy", "numba", "matplotlib", "pandas", "datasets", "scipy", "PIL")
COMMANDS = sorted(typer.main.get_command(app).commands)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys\n"
        "from mambaad_cli.app import main\n"
        "try:\n"
        f"    main({words!r})\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "mambaad" in done.stdout


def test_no_command_prints_help_and_is_no_error(mambaad) -> None:  # type: ignore[no-untyped-def]
    outcome = mambaad()
    assert outcome.code == 0
    for name in COMMANDS:
        assert name in outcome.out
