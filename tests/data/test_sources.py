"""The first source that has the archive wins: web, Hugging Face, Google Drive, mirror."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gdown
import pytest
from huggingface_hub import constants

from mambaad_cli.data import download, registry, sources
from mambaad_cli.data.info import Archive, Source
from mambaad_cli.errors import NetworkError, UsageError

CONTENT = b"an archive " * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
INFO = registry.DATASETS["visa"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.0)


def archive(*found: Source) -> Archive:
    return Archive("pictures.zip", found)


def get(wanted: Archive, folder: Path, mirror: str = "") -> sources.Gotten:
    gotten = sources.get(INFO, wanted, folder, mirror)
    assert gotten.path.read_bytes() == CONTENT
    assert gotten.sha256 == SHA256
    return gotten


class TestWeb:
    def test_the_next_source_when_one_is_dead(self, server: Any, tmp_path: Path) -> None:
        server.files = {"/good": CONTENT, "/wrong": b"x" * len(CONTENT)}
        bad = [
            Source("http", "http://127.0.0.1:9/gone", SHA256, len(CONTENT)),
            Source("http", f"{server.url}/missing", SHA256, len(CONTENT)),
            Source("http", f"{server.url}/wrong", SHA256, len(CONTENT)),
        ]
        good = Source("http", f"{server.url}/good", SHA256, len(CONTENT))
        assert get(archive(*bad, good), tmp_path).source == good

    def test_all_dead(self, server: Any, tmp_path: Path) -> None:
        server.always = "html"
        server.files = {"/a": CONTENT}
        with pytest.raises(NetworkError) as caught:
            get(archive(Source("http", f"{server.url}/a"), Source("http", "http://127.0.0.1:9/b")), tmp_path)
        assert f"{server.url}/a: sent a web page" in caught.value.message
        assert "http://127.0.0.1:9/b: " in caught.value.message
        assert "mambaad fetch visa --from PATH" in (caught.value.hint or "")
        assert INFO.homepage in (caught.value.hint or "")

    def test_two_sources_share_a_part(self, server: Any, tmp_path: Path) -> None:
        server.files = {"/a": CONTENT, "/b": CONTENT}
        server.faults = ["cut:4000", *["404"]]
        a, b = (Source("http", f"{server.url}/{name}", SHA256, len(CONTENT)) for name in "ab")
        get(archive(a, b), tmp_path)
        assert server.requests[-1][1:][0] == "/b"
        assert server.requests[-1][2]["Range"] == "bytes=4000-"

    def test_left_over_archive_is_hashed_again(self, server: Any, tmp_path: Path) -> None:
        server.files = {"/a": CONTENT}
        wanted = archive(Source("http", f"{server.url}/a", SHA256, len(CONTENT)))
        path = get(wanted, tmp_path).path
        get(wanted, tmp_path)
        assert len(server.requests) == 1
        path.write_bytes(b"damaged")
        get(wanted, tmp_path)
        assert len(server.requests) == 2


class TestMirror:
    def test_is_asked_first(self, server: Any, tmp_path: Path) -> None:
        server.files = {"/datasets/visa/pictures.zip": CONTENT}
        wanted = archive(Source("http", f"{server.url}/official", SHA256, len(CONTENT)))
        get(wanted, tmp_path, f"{server.url}/datasets/")
        assert [path for _, path, _ in server.requests] == ["/datasets/visa/pictures.zip"]

    def test_must_have_the_published_bytes(self, server: Any, tmp_path: Path) -> None:
        server.files = {"/visa/pictures.zip": b"x" * len(CONTENT), "/official": CONTENT}
        official = Source("http", f"{server.url}/official", SHA256, len(CONTENT))
        assert get(archive(official), tmp_path, server.url).source == official

    def test_must_be_an_address(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no web address"):
            get(archive(Source("http", "http://127.0.0.1:9")), tmp_path, "/mnt/share")


def test_offline_touches_nothing(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAMBAAD_OFFLINE", "1")
    server.files = {"/a": CONTENT, "/visa/pictures.zip": CONTENT}
    with pytest.raises(NetworkError, match="MAMBAAD_OFFLINE"):
        get(archive(Source("http", f"{server.url}/a", SHA256)), tmp_path, server.url)
    assert server.requests == []


def move_hub(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """What HF_ENDPOINT does when it is set before the start."""
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", url)


class TestHub:
    """A hub that answers as the real one does: HEAD gives hash and address, the address gives the bytes."""

    PATH = "/datasets/someone/things/resolve/main/folder/pictures.zip"
    SOURCE = Source("hub", "someone/things/folder/pictures.zip")

    @pytest.fixture(autouse=True)
    def _hub(self, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        move_hub(monkeypatch, server.url)
        server.files = {"/cdn/pictures": CONTENT}
        self.headers = {
            "X-Repo-Commit": "1" * 40,
            "ETag": '"pointer"',
            "X-Linked-Etag": f'"{SHA256}"',
            "X-Linked-Size": str(len(CONTENT)),
            "Location": f"{server.url.replace('127.0.0.1', 'localhost')}/cdn/pictures",
        }
        server.heads[self.PATH] = (302, self.headers)

    def refuse(self, server: Any, status: int, code: str) -> str:
        server.heads[self.PATH] = (status, {"X-Error-Code": code, "X-Error-Message": "no"})
        with pytest.raises(NetworkError) as caught:
            get(archive(self.SOURCE), Path(server.folder))
        return caught.value.message

    @pytest.fixture(autouse=True)
    def _folder(self, server: Any, tmp_path: Path) -> None:
        server.folder = tmp_path

    def test_public(self, server: Any, tmp_path: Path) -> None:
        server.faults = ["cut:5000", "503"]
        get(archive(self.SOURCE), tmp_path)
        assert [(method, path) for method, path, _ in server.requests] == [
            ("HEAD", self.PATH),
            ("GET", "/cdn/pictures"),
        ] * 3

    def test_the_hash_of_the_hub_is_checked(self, server: Any, tmp_path: Path) -> None:
        server.files["/cdn/pictures"] = b"x" * len(CONTENT)
        with pytest.raises(NetworkError, match="other bytes than expected"):
            get(archive(self.SOURCE), tmp_path)

    def test_the_published_hash_is_checked(self, server: Any, tmp_path: Path) -> None:
        other = hashlib.sha256(b"what the authors published").hexdigest()
        with pytest.raises(NetworkError, match="other bytes than expected"):
            get(archive(Source("hub", self.SOURCE.address, other)), tmp_path)

    def test_a_token_stays_on_the_hub(
        self, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        get(archive(self.SOURCE), tmp_path)
        tokens = [
            headers.get("Authorization") or headers.get("authorization") for *_, headers in server.requests
        ]
        assert tokens == ["Bearer hf_secret", None]

    def test_a_gated_file_on_the_hub_itself(
        self, server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        size = str(len(CONTENT))
        server.heads[self.PATH] = (200, {"X-Repo-Commit": "1" * 40, "ETag": '"abc"', "Content-Length": size})
        server.files[self.PATH] = CONTENT
        get(archive(self.SOURCE), tmp_path)
        assert server.requests[-1][2]["Authorization"] == "Bearer hf_secret"

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_gate(self, server: Any, status: int) -> None:
        message = self.refuse(server, status, "GatedRepo")
        assert f"ask for access at {server.url}/datasets/someone/things" in message
        assert "hf auth login" in message
        assert [method for method, *_ in server.requests] == ["HEAD"]

    def test_no_such_repository(self, server: Any) -> None:
        assert "is not there, or needs a login" in self.refuse(server, 401, "RepoNotFound")

    def test_no_such_file(self, server: Any) -> None:
        assert "has no file folder/pictures.zip" in self.refuse(server, 404, "EntryNotFound")

    def test_the_hub_is_down(self, server: Any) -> None:
        assert "answers 503" in self.refuse(server, 503, "")
        assert len(server.requests) > 1

    def test_no_hub_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        move_hub(monkeypatch, "http://127.0.0.1:9")
        with pytest.raises(NetworkError):
            get(archive(self.SOURCE), tmp_path)


class TestDrive:
    """What gdown does with Google's pages is its own business; here it is how its answers are taken."""

    SOURCE = Source("drive", "file-id")

    def test_public(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, Any] = {}

        def pretend(*, output: str, progress: Any, **options: Any) -> str:
            asked.update(options)
            Path(output).write_bytes(CONTENT)
            progress(len(CONTENT), None)
            return output

        monkeypatch.setattr(gdown, "download", pretend)
        get(archive(self.SOURCE), tmp_path)
        assert asked["id"] == "file-id"
        assert asked["resume"] is True

    @pytest.mark.parametrize(
        "error",
        [gdown.exceptions.FileURLRetrievalError("too many\nusers"), gdown.exceptions.DownloadError("cut")],
    )
    def test_troubles(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        def fail(**_: Any) -> str:
            raise error

        monkeypatch.setattr(gdown, "download", fail)
        with pytest.raises(NetworkError, match="Google Drive file-id: "):
            get(archive(self.SOURCE), tmp_path)

    def test_wrong_bytes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gdown, "download", lambda output, **_: Path(output).write_bytes(b"other"))
        with pytest.raises(NetworkError, match="other bytes"):
            get(archive(Source("drive", "file-id", SHA256)), tmp_path)

    def test_gdown_takes_these_options(self) -> None:
        """The real function, so that a renamed option is noticed."""
        import inspect

        options = inspect.signature(gdown.download).parameters
        assert {"id", "output", "quiet", "resume", "retries", "timeout", "progress"} <= options.keys()
