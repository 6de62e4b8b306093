"""Tiny datasets in every layout, and a real HTTP server on loopback that fails on demand."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import socket
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mambaad_cli.data import registry
from mambaad_cli.data.info import Archive, DatasetInfo, Source

SIDE = 12


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no mirror, no token, and a cache of its own."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "MAMBAAD_MIRROR", "MAMBAAD_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("MAMBAAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MAMBAAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


class Tree:
    """Writes small pictures and masks; no two pictures are equal."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rng = np.random.default_rng(0)

    def picture(self, *names: str, size: tuple[int, int] = (SIDE, SIDE)) -> None:
        for name in names:
            pixels = self.rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            self._save(Image.fromarray(pixels), name)

    def mask(self, *names: str, value: int = 255, size: tuple[int, int] = (SIDE, SIDE)) -> None:
        for name in names:
            pixels = np.zeros((size[1], size[0]), dtype=np.uint8)
            pixels[2:6, 3:8] = value
            self._save(Image.fromarray(pixels), name)

    def text(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _save(self, image: Image.Image, name: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)

    def mvtec(self, category: str, normal: str = "good", defect: str = "cut", train: int = 3) -> None:
        self.picture(*(f"{category}/train/{normal}/{i:03}.png" for i in range(train)))
        self.picture(*(f"{category}/test/{normal}/{i:03}.png" for i in range(2)))
        self.picture(*(f"{category}/test/{defect}/{i:03}.png" for i in range(2)))
        self.mask(*(f"{category}/ground_truth/{defect}/{i:03}_mask.png" for i in range(2)))


def make_mvtec(tree: Tree) -> None:
    tree.mvtec("bottle")
    tree.mvtec("grid")
    tree.text("license.txt", "the licence")
    tree.text("bottle/readme.txt", "read me")


def make_mpdd(tree: Tree) -> None:
    tree.mvtec("MPDD/tubes", defect="anomalous")
    tree.mvtec("MPDD/connector", defect="parts_mismatch")


def make_visa(tree: Tree) -> None:
    rows = [("object", "split", "label", "image", "mask")]
    for category in ("candle", "pcb1"):
        home = f"{category}/Data"
        normal = [f"{home}/Images/Normal/{i:04}.JPG" for i in range(4)]
        anomalous = [f"{home}/Images/Anomaly/{i:03}.JPG" for i in range(2)]
        masks = [f"{home}/Masks/Anomaly/{i:03}.png" for i in range(2)]
        tree.picture(*normal, *anomalous)
        tree.mask(*masks, value=3)
        rows += [(category, "train", "normal", name, "") for name in normal[:3]]
        rows += [(category, "test", "normal", normal[3], "")]
        rows += [(category, "test", "anomaly", *both) for both in zip(anomalous, masks, strict=True)]
        tree.text(f"{category}/image_anno.csv", "image,label,mask\n")
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    tree.text("split_csv/1cls.csv", out.getvalue())


def make_btad(tree: Tree) -> None:
    top = "BTech_Dataset_transformed"
    endings = {"01": ("bmp", "png"), "02": ("png", "png"), "03": ("bmp", "bmp")}
    for category, (image, mask) in endings.items():
        home = f"{top}/{category}"
        tree.picture(*(f"{home}/train/ok/{i:04}.{image}" for i in range(3)))
        for kind in ("ok", "ko"):
            tree.picture(*(f"{home}/test/{kind}/{i:04}.{image}" for i in range(2)))
        tree.mask(*(f"{home}/ground_truth/ko/{i:04}.{mask}" for i in range(2)))


def make_real_iad(tree: Tree, resolution: str = "1024") -> None:
    for category in ("audiojack", "usb"):
        home = f"realiad_{resolution}/{category}"
        table: dict[str, Any] = {"meta": {"prefix": category, "normal_class": "OK"}, "train": [], "test": []}
        for number in range(1, 4):
            for view in range(1, 6):
                name = f"OK/S{number:04}/{category}_{number:04}_OK_C{view}_20230920141034.jpg"
                tree.picture(f"{home}/{name}")
                record = {"category": category, "anomaly_class": "OK", "image_path": name, "mask_path": None}
                table["train" if number < 3 else "test"].append(record)
        for view in range(1, 6):
            stem = f"NG/BX/S0001/{category}_0001_NG_BX_C{view}_20230920141034"
            seen = view != 5  # the last camera does not see the defect
            tree.picture(f"{home}/{stem}.jpg")
            tree.mask(*[f"{home}/{stem}.png"] if seen else [])
            record = {"category": category, "anomaly_class": "BX" if seen else "OK"}
            paths = {"image_path": f"{stem}.jpg", "mask_path": f"{stem}.png" if seen else None}
            table["test"].append({**record, **paths})
        tree.text(f"realiad_jsons/realiad_jsons/{category}.json", json.dumps(table))


def make_uni_medical(tree: Tree) -> None:
    for category in ("brain", "liver", "retinal"):
        home = f"medical/{category}"
        tree.picture(*(f"{home}/train/good/{i}.png" for i in range(3)))
        tree.picture(*(f"{home}/test/{kind}/{i}.png" for kind in ("good", "Ungood") for i in range(2)))
        tree.mask(*(f"{home}/ground_truth/Ungood/{i}.png" for i in range(2)))


MAKERS: dict[str, Callable[[Tree], None]] = {
    "mvtec": make_mvtec,
    "visa": make_visa,
    "mpdd": make_mpdd,
    "btad": make_btad,
    "real_iad": make_real_iad,
    "uni_medical": make_uni_medical,
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """An empty folder to write pictures into."""
    return Tree(tmp_path / "tree")


@pytest.fixture
def native(tmp_path: Path) -> Callable[[str], Path]:
    """`native(name)`: a folder with a tiny dataset exactly as its archive unpacks."""

    def make(name: str) -> Path:
        MAKERS[name](tree := Tree(tmp_path / "native" / name))
        return tree.root

    return make


def pack(folder: Path, archive: Path) -> Path:
    """Pack the content of `folder` as the ending of `archive` says."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            for file in files:
                zipped.write(file, file.relative_to(folder).as_posix())
    else:
        mode = {".xz": "w:xz", ".gz": "w:gz", ".tar": "w"}[archive.suffix]
        with tarfile.open(archive, mode) as tarred:  # type: ignore[call-overload]
            for file in files:
                tarred.add(file, file.relative_to(folder).as_posix())
    return archive


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[Path, str], Path]:
    """`packed(folder, name)`: an archive of the content of `folder`."""
    return lambda folder, name: pack(folder, tmp_path / name)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, server: Server) -> Callable[..., DatasetInfo]:
    """`served(name, archive, ...)`: make loopback addresses the sources of a dataset, for this test."""

    def serve(name: str, *archives: Path, copies: int = 1) -> DatasetInfo:
        from dataclasses import replace

        info = registry.DATASETS[name]
        made = []
        for archive in archives:
            content = archive.read_bytes()
            sources = []
            for copy in range(copies):
                server.files[f"/{copy}/{archive.name}"] = content
                sha256 = hashlib.sha256(content).hexdigest()
                sources.append(Source("http", f"{server.url}/{copy}/{archive.name}", sha256, len(content)))
            made.append(Archive(archive.name, tuple(sources)))
        monkeypatch.setitem(registry.DATASETS, name, replace(info, archives=tuple(made)))
        return registry.DATASETS[name]

    return serve


@dataclass
class Server:
    """What the server serves and how it fails.

    `faults` are used up one per GET; then it behaves. Names: cut:N (close after N bytes of the body),
    norange, long (announces a byte more than it has), wrong (other bytes), html and hidden-html, slow,
    redirect, moved-range (answers with another part than asked for), drop (closes without an answer), a
    number (that HTTP status), 429:S (with Retry-After).
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    always: str = ""
    delay: float = 0.0
    """Seconds between pieces of 4 kB."""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    heads: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    """Answers to HEAD by path: status and headers."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server on loopback."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.daemon_threads = True
    state = Server(f"http://127.0.0.1:{httpd.server_address[1]}")
    httpd.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        state: Server = self.server.state  # type: ignore[attr-defined]
        state.requests.append(("HEAD", self.path, dict(self.headers)))
        status, headers = state.heads.get(self.path, (404, {}))
        self._start(status, {"Content-Length": "0", **headers})

    def do_GET(self) -> None:
        state: Server = self.server.state  # type: ignore[attr-defined]
        if self.path.startswith("/api/"):  # what huggingface_hub asks on its own account
            self._answer(404, b"")
            return
        state.requests.append(("GET", self.path, dict(self.headers)))
        fault = state.always or (state.faults.pop(0) if state.faults else "")
        content = state.files.get(self.path)
        if fault == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault.split(":")[0].isdigit():
            status, _, after = fault.partition(":")
            self._answer(int(status), b"no", {"Retry-After": after} if after else {})
        elif content is None:
            self._answer(404, b"no such file")
        elif fault == "redirect":
            self._answer(302, b"", {"Location": f"{state.url}{self.path}"})
        elif fault == "html":
            self._answer(
                200, b"<!DOCTYPE html><html>log in</html>", {"Content-Type": "text/html; charset=utf-8"}
            )
        elif fault == "hidden-html":
            self._answer(200, b"\n<html>log in</html>".ljust(len(content)))
        else:
            self._send_file(state, content, fault)

    def _send_file(self, state: Server, content: bytes, fault: str) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()[:8]}"'
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and fault != "norange" else 0
        if self.headers.get("If-Range", tag) != tag:
            start = 0
        if start >= len(content):
            self._answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        if fault == "wrong":
            content = bytes(len(content))
        if fault == "moved-range" and start:
            start += 1
        body = content[start:]
        length = len(body) + (fault == "long")
        headers = {"Content-Length": str(length), "ETag": tag, "Content-Type": "application/octet-stream"}
        if wanted and start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._start(206, {**headers, "Content-Range": span})
        else:
            self._start(200, headers)
        if fault == "slow":
            time.sleep(0.3)
        end = int(fault.partition(":")[2]) if fault.startswith("cut:") else len(body)
        try:
            for place in range(0, min(end, len(body)), 4096):
                self.wfile.write(body[place : min(place + 4096, end)])
                time.sleep(state.delay)
        except OSError:
            self.close_connection = True
        if fault.startswith("cut:") or fault == "long":
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self._start(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def content_of() -> Callable[[Path], dict[str, str]]:
    """`content_of(folder)`: sha256 of every file below, without what mambaad keeps for itself."""

    def read(folder: Path) -> dict[str, str]:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        names = ((path, path.relative_to(folder)) for path in files)
        return {
            name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path, name in names
            if name.parts[0] != ".mambaad"
        }

    return read
