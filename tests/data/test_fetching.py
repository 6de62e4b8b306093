"""Fetching from start to end: every dataset from a server, from folders and from archives."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mambaad_cli.data import download, fetching, importing, receipt, space, unpack
from mambaad_cli.data.fetching import fetch
from mambaad_cli.data.index import open_dataset
from mambaad_cli.data.state import choose, is_complete
from mambaad_cli.errors import DataError, Interrupted, NetworkError, UsageError

Native = Callable[[str], Path]
Packed = Callable[[Path, str], Path]

ENDINGS = {"mvtec": "tar.xz", "visa": "tar", "mpdd": "zip", "btad": "zip", "uni_medical": "zip"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.0)


class TestDownload:
    @pytest.mark.parametrize("name", ENDINGS)
    def test_every_dataset(self, name: str, native: Native, packed: Packed, served: Any, data: Path) -> None:
        folder = native(name)
        archive = packed(folder, f"{name}.{ENDINGS[name]}")
        info = served(name, archive)
        source = info.archives[0].sources[0]
        found = fetch(name, data)
        assert found["origins"] == [
            {"source": source.address, "sha256": source.sha256, "bytes": archive.stat().st_size}
        ]
        assert open_dataset(name, data).categories == list(found["counts"])
        assert (data / name / next(iter(found["counts"]))).is_dir(), "the folders around it are gone"
        assert not list((data / name / ".mambaad").glob("downloads/*"))

    def test_many_archives(
        self, native: Native, packed: Packed, served: Any, data: Path, tmp_path: Path
    ) -> None:
        """Real-IAD: the split in one archive, each category in one without the folder of the resolution."""
        folder = native("real_iad")
        jsons = tmp_path / "jsons"
        shutil.move(folder / "realiad_jsons", jsons / "realiad_jsons")
        archives = [packed(jsons, "realiad_jsons.zip")]
        for category in ("audiojack", "usb"):
            shutil.move(folder / "realiad_1024" / category, tmp_path / category / category)
            archives.append(packed(tmp_path / category, f"{category}.zip"))
        served("real_iad", *archives)
        found = fetch("real_iad", data)
        assert found["choice"] == "1024"
        assert found["counts"]["usb"] == {"train": 10, "test_normal": 6, "test_anomalous": 4}
        assert (data / "real_iad/realiad_1024/usb/OK").is_dir()
        sample = open_dataset("real_iad", data, ["usb"]).samples("test")[-1]
        assert (sample.view, sample.item) == ("C5", "usb_0001_NG_BX")

    def test_a_second_time_is_instant(self, mvtec: Any, server: Any, data: Path) -> None:
        first = fetch("mvtec", data)
        asked = len(server.requests)
        assert fetch("mvtec", data) == first
        assert len(server.requests) == asked

    def test_force(self, mvtec: Any, server: Any, data: Path) -> None:
        fetch("mvtec", data)
        (data / "mvtec/grid/train/good/000.png").write_bytes(b"damaged")
        asked = len(server.requests)
        fetch("mvtec", data, force=True)
        assert len(server.requests) == asked + 1
        assert (data / "mvtec/grid/train/good/000.png").stat().st_size > 10

    def test_a_part_is_made_whole(
        self, mvtec: Any, native: Native, data: Path, content_of: Any, tmp_path: Path
    ) -> None:
        shutil.copytree(native("mvtec") / "grid", tmp_path / "part/grid")
        fetch("mvtec", data, source=tmp_path / "part")
        assert not is_complete(mvtec, data)
        assert sorted(fetch("mvtec", data)["counts"]) == ["bottle", "grid"]
        assert content_of(data / "mvtec") == content_of(native("mvtec"))

    def test_wrong_content_under_the_right_hash(
        self, tree: Any, packed: Packed, served: Any, data: Path
    ) -> None:
        tree.text("readme.txt", "no pictures")
        served("mvtec", packed(tree.root, "mvtec.zip"))
        with pytest.raises(DataError, match="no category of MVTec AD"):
            fetch("mvtec", data)
        assert not (data / "mvtec/readme.txt").exists()

    def test_an_archive_without_a_published_hash_is_not_kept_when_broken(
        self,
        native: Native,
        packed: Packed,
        served: Any,
        server: Any,
        data: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from dataclasses import replace

        from mambaad_cli.data import registry
        from mambaad_cli.data.info import Archive, Source

        content = packed(native("mvtec"), "mvtec.zip").read_bytes()
        server.files["/mvtec.zip"] = content[:-100]
        archives = (Archive("mvtec.zip", (Source("http", f"{server.url}/mvtec.zip"),)),)
        monkeypatch.setitem(
            registry.DATASETS, "mvtec", replace(registry.DATASETS["mvtec"], archives=archives)
        )
        with pytest.raises(DataError):
            fetch("mvtec", data)
        server.files["/mvtec.zip"] = content
        assert fetch("mvtec", data)["counts"]

    def test_mirror_from_the_environment(
        self, mvtec: Any, server: Any, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.files["/company/mvtec/mvtec.tar.xz"] = server.files["/0/mvtec.tar.xz"]
        monkeypatch.setenv("MAMBAAD_MIRROR", f"{server.url}/company")
        assert fetch("mvtec", data)["origins"][0]["source"] == f"{server.url}/company/mvtec/mvtec.tar.xz"

    def test_nothing_to_be_had(self, mvtec: Any, server: Any, data: Path) -> None:
        server.always = "404"
        with pytest.raises(NetworkError):
            fetch("mvtec", data)
        server.always = ""
        assert fetch("mvtec", data)["counts"]

    def test_ctrl_c(self, mvtec: Any, data: Path, content_of: Any, native: Native, monkeypatch: Any) -> None:
        def interrupted(*_: Any) -> Any:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(fetching, "unpack_into", interrupted)
            with pytest.raises(Interrupted) as caught:
                fetch("mvtec", data)
            assert caught.value.hint == "go on where it stopped: mambaad fetch mvtec"
        fetch("mvtec", data)
        assert content_of(data / "mvtec") == content_of(native("mvtec"))

    def test_two_at_once(self, mvtec: Any, server: Any, data: Path) -> None:
        server.delay = 0.05
        results: list[Any] = []
        threads = [threading.Thread(target=lambda: results.append(fetch("mvtec", data))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results[0] == results[1] == results[2]
        assert len(server.requests) == 1


@pytest.fixture
def mvtec(native: Native, packed: Packed, served: Any) -> Any:
    """A tiny MVTec AD on the server, as a tar.xz."""
    return served("mvtec", packed(native("mvtec"), "mvtec.tar.xz"))


class TestFrom:
    @pytest.mark.parametrize("name", [*ENDINGS, "real_iad"])
    def test_folder(self, name: str, native: Native, data: Path, content_of: Any) -> None:
        source = native(name)
        before = content_of(source)
        found = fetch(name, data, source=source)
        assert found["counts"]
        assert content_of(source) == before
        assert set(content_of(data / name).values()) <= set(before.values())
        assert open_dataset(name, data).samples("train")

    @pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.xz", "zip"])
    @pytest.mark.parametrize("around", ["", "outer/inner"])
    def test_archive(
        self,
        native: Native,
        packed: Packed,
        data: Path,
        ending: str,
        around: str,
        tmp_path: Path,
        content_of: Any,
    ) -> None:
        folder = native("mvtec")
        shutil.move(folder, tmp_path / "top" / around / "x" if around else tmp_path / "top")
        archive = packed(tmp_path / "top", f"a.{ending}").rename(tmp_path / "download (2)")
        found = fetch("mvtec", data, source=archive)
        assert found["origins"][0]["sha256"]
        assert archive.exists()
        names = content_of(data / "mvtec")
        assert "grid/train/good/000.png" in names
        assert "license.txt" in names

    def test_folder_of_archives(self, native: Native, packed: Packed, data: Path, tmp_path: Path) -> None:
        folder = native("real_iad")
        (tmp_path / "zips").mkdir()
        for part in ("realiad_jsons", "realiad_1024"):
            shutil.move(folder / part, tmp_path / part / part)
            packed(tmp_path / part, f"zips/{part}.zip")
        found = fetch("real_iad", data, source=tmp_path / "zips")
        assert sorted(found["counts"]) == ["audiojack", "usb"]
        assert len(found["origins"]) == 2

    def test_part_by_part(self, native: Native, data: Path, tmp_path: Path) -> None:
        source = native("mvtec")
        for category in ("bottle", "grid"):
            shutil.copytree(source / category, tmp_path / category / category)
        fetch("mvtec", data, source=tmp_path / "grid")
        assert open_dataset("mvtec", data).categories == ["grid"]
        fetch("mvtec", data, source=tmp_path / "bottle")
        index = open_dataset("mvtec", data)
        assert index.categories == ["bottle", "grid"]
        assert [Path(origin["source"]).name for origin in index.receipt["origins"]] == ["grid", "bottle"]

    def test_nothing_is_copied_twice(
        self, native: Native, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = native("mvtec")
        fetch("mvtec", data, source=source)

        def forbidden(*_: Any) -> Any:
            raise AssertionError("copied again")

        monkeypatch.setattr(shutil, "copy2", forbidden)
        fetch("mvtec", data, source=source)
        fetch("mvtec", data, source=data / "mvtec")

    def test_nothing_is_unpacked_twice(
        self, native: Native, packed: Packed, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = packed(native("mvtec"), "a.zip")
        first = fetch("mvtec", data, source=archive)

        def forbidden(*_: Any) -> Any:
            raise AssertionError("unpacked again")

        monkeypatch.setattr(importing, "unpack", forbidden)
        assert fetch("mvtec", data, source=archive) == first
        with pytest.raises(AssertionError):
            fetch("mvtec", data, source=archive, force=True)

    def test_a_changed_picture_is_copied(self, native: Native, data: Path, tree: Any) -> None:
        source = native("mvtec")
        fetch("mvtec", data, source=source)
        changed = source / "grid/train/good/000.png"
        shutil.copy(source / "grid/train/good/001.png", changed)
        os.utime(changed, ns=(1, 1))
        fetch("mvtec", data, source=source)
        assert (data / "mvtec/grid/train/good/000.png").read_bytes() == changed.read_bytes()

    def test_link(self, native: Native, data: Path, content_of: Any) -> None:
        source = native("mvtec")
        before = sorted(source.rglob("*"))
        fetch("mvtec", data, source=source, link=True)
        assert sorted(source.rglob("*")) == before
        assert content_of(data / "mvtec") == {}
        index = open_dataset("mvtec", data)
        assert index.root == source
        assert (index.root / index.samples("train")[0].image).is_file()

    def test_link_and_archive(self, native: Native, packed: Packed, data: Path) -> None:
        with pytest.raises(UsageError, match="--link takes a folder"):
            fetch("mvtec", data, source=packed(native("mvtec"), "a.zip"), link=True)

    def test_a_bad_source_harms_nothing(
        self, native: Native, packed: Packed, data: Path, tmp_path: Path
    ) -> None:
        source = native("mvtec")
        fetch("mvtec", data, source=source)
        before = open_dataset("mvtec", data).samples("test")
        (source / "grid/test/cut/000.png").unlink()
        for bad in (source, packed(source, "bad.zip")):
            with pytest.raises(DataError, match="ground_truth/cut/000_mask"):
                fetch("mvtec", data, source=bad)
            assert open_dataset("mvtec", data).samples("test") == before

    @pytest.mark.parametrize("kind", ["missing", "text", "empty folder", "other dataset"])
    def test_no_dataset(self, native: Native, data: Path, tmp_path: Path, kind: str) -> None:
        source = tmp_path / "source"
        if kind == "text":
            source.write_text("hello")
        elif kind == "empty folder":
            source.mkdir()
        elif kind == "other dataset":
            source = native("btad")
        with pytest.raises(DataError) as caught:
            fetch("mvtec", data, source=source)
        assert str(source) in caught.value.message
        assert caught.value.hint
        assert receipt.read(data / "mvtec") is None

    def test_resolution_and_views(self, native: Native, data: Path) -> None:
        found = fetch(choose("real_iad", "1024", ("C1", "C2")), data, source=native("real_iad"))
        assert found["choice"] == "1024 C1 C2"
        assert {s.view for s in open_dataset("real_iad", data).samples("train")} == {"C1", "C2"}


class TestRoom:
    def test_is_asked_for_before_the_download(
        self, mvtec: Any, server: Any, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
        with pytest.raises(DataError) as caught:
            fetch("mvtec", data)
        assert "mvtec.tar.xz and its content needs" in caught.value.message
        assert "--data-dir" in (caught.value.hint or "")
        assert server.requests == []

    def test_is_asked_for_before_copying_and_unpacking(
        self, native: Native, packed: Packed, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1))
        for source in (native("mvtec"), packed(native("mvtec"), "a.zip")):
            with pytest.raises(DataError, match="MB free"):
                fetch("mvtec", data, source=source)

    def test_size_of_the_content(self, native: Native, packed: Packed) -> None:
        folder = native("btad")
        total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        assert space.unpacked_size(packed(folder, "a.zip")) == total
        assert space.unpacked_size(packed(folder, "a.tar")) > total

    def test_a_disk_that_fills_up(
        self, mvtec: Any, data: Path, content_of: Any, native: Native, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> Any:
            raise OSError(28, "No space left on device")

        for module, name in ((download.Part, "append"), (unpack._Bounded, "read"), (Path, "replace")):
            with monkeypatch.context() as patch:
                patch.setattr(module, name, full)
                with pytest.raises(DataError) as caught:
                    fetch("mvtec", data)
            assert "No space left on device" in caught.value.message
            assert "go on where it stopped: mambaad fetch mvtec" in (caught.value.hint or "")
        fetch("mvtec", data)
        assert content_of(data / "mvtec") == content_of(native("mvtec"))


def test_sample_set(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mambaad_cli.data import drawing

    monkeypatch.setattr(drawing, "TRAIN", 2)
    monkeypatch.setattr(drawing, "NORMAL", 2)
    monkeypatch.setattr(drawing, "PER_DEFECT", 1)
    found = fetch("sample", data)
    assert found["counts"]["brick"] == {"train": 2, "test_normal": 2, "test_anomalous": 4}
    start = time.monotonic()
    assert fetch("sample", data) == found
    assert time.monotonic() - start < 5
    assert "not a benchmark" in (data / "sample/README.md").read_text()
