"""`mambaad fetch` as a user meets it: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli import app, console
from mambaad_cli.commands import fetch as command
from mambaad_cli.data import download
from mambaad_cli.data.registry import DATASETS

Native = Callable[[str], Path]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run(words...)`: exit code, stdout and stderr of `mambaad fetch words...`."""
    monkeypatch.setattr(download, "PAUSE", 0.0)
    monkeypatch.setenv("COLUMNS", "100")

    def go(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            app.main(["fetch", *map(str, words)])
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    yield go
    console.configure()


def test_list(run: Any, native: Native) -> None:
    run("mvtec", "--from", native("mvtec"))
    code, out, _ = run()
    assert code == 0
    rows = {line.split()[0]: line for line in out.splitlines()[1:] if not line.startswith(" ")}
    assert set(rows) == set(DATASETS)
    assert "2 of 15" in rows["mvtec"]
    assert "not here" in rows["visa"]
    assert "CC BY 4.0" in rows["visa"]
    assert run("--list")[1] == out


def test_list_json(run: Any, native: Native) -> None:
    run("mvtec", "--from", native("mvtec"))
    _, out, err = run("--json")
    found = json.loads(out)
    assert err == ""
    assert found["schema"] == "mambaad.datasets/1"
    by_name = {entry["name"]: entry for entry in found["datasets"]}
    assert by_name["mvtec"]["size"] == 5_264_982_680
    assert by_name["mvtec"]["receipt"]["counts"]["grid"]["train"] == 3
    assert by_name["visa"]["receipt"] is None


def test_report_shows_what_is_missing(run: Any, native: Native) -> None:
    code, out, _ = run("mvtec", "--from", native("mvtec"))
    assert code == 0
    assert "3 of 264" in out
    assert "not there: cable, capsule" in out


def test_name_is_found_from_content(run: Any, native: Native) -> None:
    code, out, _ = run("--from", native("btad"), "-q")
    assert code == 0
    assert out.strip().endswith("btad")


def test_name_is_needed_for_the_unknown(run: Any, tmp_path: Path) -> None:
    code, _, err = run("--from", tmp_path)
    assert code == 2
    assert "mambaad fetch NAME --from" in err


class TestLicence:
    @pytest.fixture
    def mvtec(self, native: Native, packed: Any, served: Any) -> None:
        served("mvtec", packed(native("mvtec"), "mvtec.tar.xz"))

    def test_must_be_accepted(self, mvtec: None, run: Any, server: Any) -> None:
        code, _, err = run("mvtec")
        assert code == 2
        assert "CC BY-NC-SA 4.0" in err
        assert "mambaad fetch mvtec --accept-licence" in err
        assert server.requests == []

    def test_is_shown_once(self, mvtec: None, run: Any, server: Any) -> None:
        server.always = "404"
        assert run("mvtec", "--accept-licence")[0] == 6
        server.always = ""
        code, out, err = run("mvtec", "--json")
        assert code == 0
        assert "licence:" not in err
        assert json.loads(out)["datasets"]["mvtec"]["licence_accepted"]

    def test_by_key_press(self, mvtec: None, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        import io

        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
        assert run("mvtec")[0] == 2
        monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
        assert run("mvtec")[0] == 0

    def test_is_not_asked_for_what_the_user_has(self, run: Any, native: Native) -> None:
        assert run("mvtec", "--from", native("mvtec"))[0] == 0


def test_verify_and_check(run: Any, native: Native, tmp_path: Path) -> None:
    run("mvtec", "--from", native("mvtec"))
    assert run("--verify")[0] == 0
    victim = tmp_path / "data/mvtec/grid/test/cut/000.png"
    victim.write_bytes(b"")
    code, out, _ = run("mvtec", "--verify")
    assert code == 3
    assert "grid/test/cut/000.png has changed" in out
    assert "mambaad fetch mvtec --force" in out
    code, out, _ = run("--check", tmp_path / "data/mvtec", "--json")
    assert code == 3
    found = json.loads(out)
    assert found["schema"] == "mambaad.check/1"
    assert len(found["datasets"][0]["problems"]) == 1
    assert run("--check", native("visa"))[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["mvtex"], 2, "did you mean mvtec"),
        (["mvtec", "visa", "--from", "."], 2, "one dataset at a time"),
        (["mvtec", "--link"], 2, "--link needs --from"),
        (["mvtec", "--resolution", "256"], 2, "leave out --resolution"),
        (["real_iad", "--resolution", "7"], 2, "256, 512, 1024, raw"),
        (["mvtec", "--from", "nowhere-at-all"], 3, "there is nothing at nowhere-at-all"),
        (["--check", "nowhere-at-all"], 3, "there is no folder"),
        (["visa", "--verify"], 3, "mambaad fetch visa"),
        (["visa", "--accept-licence", "--mirror", "ftp://x"], 2, "no web address"),
    ],
)
def test_errors(run: Any, words: list[str], code: int, part: str) -> None:
    found, out, err = run(*words)
    assert found == code
    assert part in err
    assert out == ""
    assert "Traceback" not in err


def test_errors_as_json(run: Any) -> None:
    code, out, _ = run("mvtex", "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == 2


def test_offline(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAMBAAD_OFFLINE", "1")
    code, _, err = run("visa", "--accept-licence")
    assert code == 6
    assert "MAMBAAD_OFFLINE" in err
    assert "mambaad fetch visa --from PATH" in err


def test_three_examples() -> None:
    examples = [line for line in command.EPILOG.splitlines() if line.startswith("mambaad ")]
    assert len(examples) == 3


def test_a_gate_in_a_fresh_process(server: Any, tmp_path: Path) -> None:
    """HF_ENDPOINT is read when the process starts: the whole command against a fake hub."""
    path = "/datasets/Real-IAD/Real-IAD/resolve/main/realiad_jsons.zip"
    server.heads[path] = (403, {"X-Error-Code": "GatedRepo"})
    found = subprocess.run(
        [sys.executable, "-m", "mambaad_cli", "fetch", "real_iad", "--accept-licence"],
        env={**os.environ, "HF_ENDPOINT": server.url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 6
    assert f"ask for access at {server.url}/datasets/Real-IAD/Real-IAD" in found.stderr
    assert "hf auth login" in found.stderr
    assert found.stdout == ""
