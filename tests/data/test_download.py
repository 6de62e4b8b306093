"""Downloads from a real server on loopback that fails in every way that servers do."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data import download as module
from mambaad_cli.data.download import RETRIES, Location, Refused, Unreachable, download

CONTENT = random.Random(0).randbytes(100_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def get(server: Any, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Any:
    """`get()`: download the served file; pauses are noted, not waited for."""
    server.files["/file"] = CONTENT
    monkeypatch.setattr(module, "CHUNK", 4096)
    known: dict[str, Any] = {"sha256": SHA256, "size": len(CONTENT)}

    def run(**facts: Any) -> Path:
        location = Location(f"{server.url}/file", **{**known, **facts})
        assert download(lambda: location, tmp_path / "out", pause=pauses.append) == SHA256
        return tmp_path / "out"

    return run


def ranges(server: Any) -> list[str]:
    return [headers.get("Range", "") for method, _, headers in server.requests if method == "GET"]


@pytest.mark.parametrize("facts", [{}, {"sha256": None}, {"size": None}, {"sha256": None, "size": None}])
def test_plain(get: Any, facts: dict[str, Any], tmp_path: Path) -> None:
    assert get(**facts).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("facts", [{}, {"sha256": None, "size": None}])
def test_goes_on_after_a_cut(get: Any, server: Any, facts: dict[str, Any]) -> None:
    server.faults = ["cut:30000", "cut:5", "cut:20000"]
    assert get(**facts).read_bytes() == CONTENT
    assert ranges(server) == ["", "bytes=30000-", "bytes=30005-", "bytes=50005-"]


@pytest.mark.parametrize(
    "fault", ["drop", "cut:0", "429", "500", "502", "503", "408", "moved-range", "long", "redirect", "slow"]
)
def test_passing_troubles(get: Any, server: Any, fault: str) -> None:
    server.faults = ["cut:30000", fault, fault]
    assert get().read_bytes() == CONTENT


def test_server_without_ranges(get: Any, server: Any) -> None:
    server.faults = ["cut:30000", "norange"]
    assert get().read_bytes() == CONTENT
    assert ranges(server) == ["", "bytes=30000-"]


@pytest.mark.parametrize("seed", range(5))
def test_cut_at_random_bytes(get: Any, server: Any, seed: int) -> None:
    rng = random.Random(seed)
    server.faults = [
        rng.choice([f"cut:{rng.randrange(40_000)}", "drop", "503", "norange", f"cut:{rng.randrange(10)}"])
        for _ in range(RETRIES)
    ]
    assert get().read_bytes() == CONTENT


def test_waits_longer_each_time_and_then_gives_up(get: Any, server: Any, pauses: list[float]) -> None:
    server.always = "503"
    with pytest.raises(Unreachable, match="503"):
        get()
    assert pauses == [1, 2, 4, 8]
    assert len(server.requests) == RETRIES + 1


def test_waits_as_long_as_the_server_asks(get: Any, server: Any, pauses: list[float]) -> None:
    server.faults = ["429:7", "429:100000"]
    get()
    assert pauses == [7, module.LONGEST_PAUSE]


def test_a_slow_but_steady_link_is_not_given_up(
    get: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENOUGH", 5000)
    server.faults = ["cut:6000"] * 12
    assert get().read_bytes() == CONTENT


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_refusals_are_not_repeated(get: Any, server: Any, status: int) -> None:
    server.always = str(status)
    with pytest.raises(Refused, match=str(status)):
        get()
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["html", "hidden-html"])
def test_a_web_page_is_named_as_such(get: Any, server: Any, tmp_path: Path, fault: str) -> None:
    server.always = fault
    with pytest.raises(Refused, match="web page"):
        get(size=None)
    assert not (tmp_path / "out").exists()


def test_wrong_length(get: Any, server: Any) -> None:
    with pytest.raises(Refused, match=f"a file of {len(CONTENT)} bytes where 5 are expected"):
        get(size=5)
    assert len(server.requests) == 1


def test_wrong_bytes(get: Any, server: Any, tmp_path: Path) -> None:
    server.always = "wrong"
    with pytest.raises(Refused, match="other bytes than expected"):
        get()
    assert not (tmp_path / "out").exists()
    assert (tmp_path / "out.part").stat().st_size == 0
    server.always = ""
    assert get().read_bytes() == CONTENT


def test_nobody_there(tmp_path: Path, pauses: list[float]) -> None:
    location = Location("http://127.0.0.1:9/file")
    with pytest.raises(Unreachable):
        download(lambda: location, tmp_path / "out", pause=pauses.append)
    assert len(pauses) == module.RETRIES_OF_DEAD


def test_a_server_that_goes_away_in_between(get: Any, server: Any, pauses: list[float]) -> None:
    server.faults = ["cut:30000", *["drop"] * RETRIES]
    with pytest.raises(Unreachable):
        get()
    assert len(pauses) == RETRIES
    assert get().read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=30000-"


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        download(lambda: Location("no address"), tmp_path / "out")


class TestPartOfAnEarlierProcess:
    def test_goes_on(self, get: Any, server: Any, tmp_path: Path) -> None:
        (tmp_path / "out.part").write_bytes(CONTENT[:70_000])
        assert get().read_bytes() == CONTENT
        assert ranges(server) == ["bytes=70000-"]

    def test_complete_already(self, get: Any, server: Any, tmp_path: Path) -> None:
        (tmp_path / "out.part").write_bytes(CONTENT)
        assert get().read_bytes() == CONTENT
        assert server.requests == []

    def test_damaged(self, get: Any, server: Any, tmp_path: Path) -> None:
        (tmp_path / "out.part").write_bytes(bytes(70_000))
        assert get().read_bytes() == CONTENT
        assert ranges(server) == ["bytes=70000-", ""]

    @pytest.mark.parametrize("size", [len(CONTENT), None])
    def test_too_long(self, get: Any, tmp_path: Path, size: int | None) -> None:
        (tmp_path / "out.part").write_bytes(CONTENT + b"more")
        assert get(size=size).read_bytes() == CONTENT

    def test_of_unknown_version(self, get: Any, server: Any, tmp_path: Path) -> None:
        """Without a known hash, bytes that no tag belongs to are not trusted."""
        (tmp_path / "out.part").write_bytes(b"x" * 70_000)
        assert get(sha256=None).read_bytes() == CONTENT
        assert ranges(server) == [""]

    def test_of_a_version_that_changed(self, get: Any, server: Any, tmp_path: Path) -> None:
        (tmp_path / "out.part").write_bytes(b"x" * 70_000)
        (tmp_path / "out.part.tag").write_text('"older"')
        assert get(sha256=None).read_bytes() == CONTENT
        assert ranges(server) == ["bytes=70000-"]


def test_secrets_do_not_follow_a_redirect(get: Any, server: Any) -> None:
    server.faults = ["redirect"]
    get(headers={"Authorization": "Bearer secret"})
    assert [headers.get("Authorization") for _, _, headers in server.requests] == ["Bearer secret", None]
