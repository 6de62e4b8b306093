"""The project's checks: `nox` runs them all but bench, `nox -s tests` one of them.

They run in the environment that nox itself is installed in (`pip install -e ".[dev]"`): torch is too large to
be installed once per check.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "docs-check", "tests"]

CODE = ("mambaad_cli", "tests", "noxfile.py")


def _run(session: nox.Session, module: str, *arguments: str) -> None:
    session.run(sys.executable, "-m", module, *arguments)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite; further arguments go to pytest."""
    _run(session, "pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    _run(session, "ruff", "check", *CODE)
    _run(session, "ruff", "format", "--check", *CODE)


@nox.session
def types(session: nox.Session) -> None:
    """Check the type hints."""
    _run(session, "mypy")


@nox.session(name="docs-check")
def docs_check(session: nox.Session) -> None:
    """Check that README and docs name only commands, options, recipes and files that exist."""
    _run(session, "pytest", "tests/docs")


@nox.session
def bench(session: nox.Session) -> None:
    """Run a benchmark, for example `nox -s bench -- scan`; without a name, list them."""
    folder = Path("tests/benchmarks")
    if not session.posargs:
        session.log("benchmarks: " + ", ".join(sorted(path.stem for path in folder.glob("*.py"))))
        return
    name, *arguments = session.posargs
    session.run(sys.executable, str(folder / f"{name}.py"), *arguments)
