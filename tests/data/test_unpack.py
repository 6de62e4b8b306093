"""Archives, honest and hostile."""

from __future__ import annotations

import io
import os
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from mambaad_cli.data import unpack as module
from mambaad_cli.data.unpack import is_archive, unpack
from mambaad_cli.errors import DataError

KINDS = ["a.tar", "a.tar.gz", "a.tar.xz", "a.zip"]
FILES = {"one.txt": b"1", "folder/two.bin": bytes(range(256)) * 9, "folder/deeper/three": b""}


def make(path: Path, files: dict[str, bytes]) -> Path:
    """An archive of `files` of the kind that the name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, content in files.items():
                zipped.writestr(name, content)
        return path
    mode = {".tar": "w", ".gz": "w:gz", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as tarred:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tarred.addfile(info, io.BytesIO(content))
    return path


def read(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_unpacks(tmp_path: Path, kind: str) -> None:
    archive = make(tmp_path / kind, FILES)
    assert is_archive(archive)
    unpack(archive, tmp_path / "out")
    assert read(tmp_path / "out") == FILES


@pytest.mark.parametrize("kind", KINDS)
def test_the_name_does_not_matter(tmp_path: Path, kind: str) -> None:
    archive = make(tmp_path / kind, FILES).rename(tmp_path / "download (1)")
    assert is_archive(archive)
    unpack(archive, tmp_path / "out")
    assert read(tmp_path / "out") == FILES


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>log in</html>")
    assert not is_archive(tmp_path / "a.zip")
    assert not is_archive(tmp_path)
    assert not is_archive(tmp_path / "nothing")


def test_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "out/folder").mkdir(parents=True)
    (tmp_path / "out/half-written").write_bytes(b"x")
    unpack(make(tmp_path / "a.zip", FILES), tmp_path / "out")
    assert read(tmp_path / "out") == FILES


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "a/../../out.txt",
        "/tmp/out.txt",
        "..",
        "C:\\out.txt",
        "C:out.txt",
        "..\\out.txt",
        "\\\\host\\out",
    ],
)
def test_paths_that_lead_out(tmp_path: Path, kind: str, name: str) -> None:
    archive = make(tmp_path / kind, {"good.txt": b"1", name: b"bad"})
    with pytest.raises(DataError, match="outside its folder"):
        unpack(archive, tmp_path / "inner/out")
    assert set(read(tmp_path)) <= {kind, "inner/out/good.txt"}
    assert not Path("/tmp/out.txt").exists()


SPECIAL = {
    "symbolic link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "character device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "fifo": tarfile.FIFOTYPE,
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("target", ["../../secret", "/etc/passwd", "good.txt"])
def test_links_and_devices_in_a_tar(tmp_path: Path, kind: str, target: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tarred:
        info = tarfile.TarInfo("entry")
        info.type, info.linkname = SPECIAL[kind], target
        tarred.addfile(info)
        through = tarfile.TarInfo("entry/through.txt")
        tarred.addfile(through)
    with pytest.raises(DataError, match="link or device: entry"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert read(tmp_path / "out") == {}
    assert not (tmp_path / "out/entry").is_symlink()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_in_a_zip(tmp_path: Path, kind: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        info = zipfile.ZipInfo("entry")
        info.external_attr = (kind | 0o777) << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="link or device: entry"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_bomb(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """4 MB of zeros in a few kB: stopped at the bound, not after writing everything."""
    monkeypatch.setattr(module, "FREE_GROWTH", 10**5)
    monkeypatch.setattr(module, "CHUNK", 10**4)
    archive = make(tmp_path / kind, {"zeros": bytes(4 * 10**6)})
    bound = 10**5 + module.MAX_GROWTH * archive.stat().st_size
    assert bound < 2 * 10**6
    with pytest.raises(DataError, match=f"more than {bound} bytes"):
        unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/zeros").stat().st_size <= bound


def test_bomb_that_lies_about_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_GROWTH", 10**5)
    archive = make(tmp_path / "a.zip", {"zeros": bytes(4 * 10**6)})
    content = archive.read_bytes()
    archive.write_bytes(content.replace((4 * 10**6).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/zeros").stat().st_size < 10**6


def test_bomb_in_the_headers_of_a_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_GROWTH", 10**5)
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz", format=tarfile.PAX_FORMAT) as tarred:
        info = tarfile.TarInfo("small")
        info.pax_headers = {"comment": "x" * 4 * 10**6}
        tarred.addfile(info)
    with pytest.raises(DataError, match="unpacks to more than"):
        unpack(tmp_path / "a.tar.xz", tmp_path / "out")


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 5)
    archive = make(tmp_path / "a.zip", {str(i): b"" for i in range(6)})
    with pytest.raises(DataError, match="more than 5 files"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_archives(tmp_path: Path, kind: str) -> None:
    """Cut anywhere, an archive is refused, or what it gives is right as far as it goes."""
    content = make(tmp_path / kind, {f"{i}.bin": os.urandom(3000) for i in range(5)}).read_bytes()
    whole = tmp_path / "whole"
    unpack(tmp_path / kind, whole)
    for place in random.Random(0).sample(range(len(content)), 25):
        (tmp_path / kind).write_bytes(content[:place])
        if kind != "a.tar":
            with pytest.raises(DataError, match="broken"):
                unpack(tmp_path / kind, tmp_path / "out")
            continue
        with suppress(DataError):  # a plain tar may end after any of its files
            unpack(tmp_path / kind, tmp_path / "out")
            assert read(tmp_path / "out").items() <= read(whole).items()


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_archives(tmp_path: Path, kind: str) -> None:
    """Any flipped byte gives a plain error or no error, never another exception."""
    content = make(tmp_path / kind, {f"{i}.bin": os.urandom(500) for i in range(3)}).read_bytes()
    for place in random.Random(0).sample(range(len(content)), 60):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        (tmp_path / kind).write_bytes(damaged)
        with suppress(DataError):
            unpack(tmp_path / kind, tmp_path / "out")


def test_encrypted_zip(tmp_path: Path) -> None:
    archive = make(tmp_path / "a.zip", {"a": b"secret"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match="broken"):
        unpack(archive, tmp_path / "out")


def test_progress_counts_bytes_of_the_archive(tmp_path: Path, tree: Any, packed: Callable[..., Path]) -> None:
    tree.text("noise", "")
    (tree.root / "noise").write_bytes(os.urandom(3_500_000))
    seen: list[Any] = []

    def progress(description: str, total: int) -> Any:
        seen.append((description, total))
        return nullcontext(lambda steps, note: seen.append(steps))

    unpack(packed(tree.root, "a.tar"), tmp_path / "out", progress)
    assert seen[0] == ("unpacking", 3)
    assert sum(seen[1:]) == 3
