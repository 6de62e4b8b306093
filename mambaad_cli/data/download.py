"""Downloading one file over HTTP that survives: it goes on where it stopped, its hash is checked."""

from __future__ import annotations

import hashlib
import http.client
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

from mambaad_cli.data.info import MB, Progress, megabytes, silent

CHUNK = 2**18
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as dead."""
RETRIES = 4
"""Attempts in a row that may bring less than `ENOUGH` before a source is given up."""
RETRIES_OF_DEAD = 1
"""The same for a source that never answered: the next one may."""
ENOUGH = MB
PAUSE = 1.0
"""Seconds before the first repeated attempt; doubled each time."""
LONGEST_PAUSE = 60.0
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP answers after which a later attempt makes sense."""


@dataclass(frozen=True)
class Location:
    """Where to ask for a file, and what is known of it."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    sha256: str | None = None
    size: int | None = None


class Refused(Exception):
    """A source does not have the file, will not give it, or gives another one: asking again is of no use."""


class Unreachable(Exception):
    """A source is not there now: asking again makes sense.

    Attributes:
        after: seconds to wait before, if it said so.
        silent: there was no answer at all.
    """

    def __init__(self, reason: str, after: float = 0.0, silent: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.silent = silent


class Part:
    """A growing file and the hash of what is in it.

    `tag` is the server's mark of the version that the bytes belong to; a file beside it remembers it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tag_file = path.with_name(path.name + ".tag")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                self.digest.update(chunk)
            self.size = file.tell()

    def append(self, file: IO[bytes], chunk: bytes) -> None:
        """Write `chunk` to the open file and count it."""
        file.write(chunk)
        self.digest.update(chunk)
        self.size += len(chunk)

    def restart(self) -> None:
        """Throw away what is there."""
        self.path.write_bytes(b"")
        self._tag_file.unlink(missing_ok=True)
        self.digest, self.size = hashlib.sha256(), 0

    def finish(self, file: Path) -> str:
        """Give the complete file its name; returns its sha256."""
        self.path.replace(file)
        self._tag_file.unlink(missing_ok=True)
        return self.digest.hexdigest()

    @property
    def tag(self) -> str:
        return self._tag_file.read_text(encoding="utf-8") if self._tag_file.exists() else ""

    @tag.setter
    def tag(self, value: str) -> None:
        self._tag_file.write_text(value, encoding="utf-8")


def download(
    locate: Callable[[], Location],
    file: Path,
    progress: Progress = silent,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Download a file to `file`, which appears only when it is complete and its hash is right.

    Bytes are collected in `file`.part. An interrupted download goes on from there, now or in a later process.

    Args:
        locate: tells where the file is; asked before each attempt, for addresses that expire.
        file: where it goes.
        progress: shows how many MB are done.
        pause: waits that many seconds between attempts.

    Returns:
        The sha256.

    Raises:
        Refused, Unreachable: see there. OSError: the disk is full or cannot be written.
    """
    part = Part(file.with_name(file.name + ".part"))
    resumed, failures = part.size > 0, 0
    while True:
        before = part.size
        try:
            location = locate()
            _complete(part, location, progress)
        except Unreachable as trouble:
            failures = 0 if part.size - before >= ENOUGH else failures + 1
            dead = trouble.silent and not part.size
            if failures > (RETRIES_OF_DEAD if dead else RETRIES):
                raise
            pause(min(trouble.after or PAUSE * 2 ** max(failures - 1, 0), LONGEST_PAUSE))
            continue
        if location.sha256 in (None, part.digest.hexdigest()):
            return part.finish(file)
        found = part.digest.hexdigest()
        part.restart()
        if not resumed:
            raise Refused(f"sent other bytes than expected (sha256 {found} instead of {location.sha256})")
        resumed = False  # the bytes of an earlier attempt may be what is wrong


def _complete(part: Part, location: Location, progress: Progress) -> None:
    """Bring `part` to the full size in one request, from where it is."""
    if location.size is not None and part.size > location.size:
        part.restart()
    if part.size and part.size == location.size:
        return
    if location.sha256 is None and not part.tag:
        part.restart()  # nothing says that the bytes on disk belong to the same version
    with _open(part, location) as answer:
        total = _check_answer(answer, part, location)
        with part.path.open("ab") as file, progress("downloading", (total or 0) // MB) as advance:
            reach = megabytes(advance)
            for chunk in _chunks(answer):
                if part.size == 0:
                    _check_beginning(chunk)
                part.append(file, chunk)
                reach(part.size)
    if total is not None and part.size < total:
        raise Unreachable(f"the connection was cut after {part.size} of {total} bytes")
    if total is not None and part.size > total:
        part.restart()
        raise Unreachable(f"sent more than the {total} bytes that it announced")


def _open(part: Part, location: Location) -> Any:
    headers = {"Accept-Encoding": "identity", "User-Agent": "mambaad"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if location.sha256 is None:
            headers["If-Range"] = part.tag
    try:
        request = urllib.request.Request(location.url, headers=headers)
        for name, value in location.headers.items():
            request.add_unredirected_header(name, value)
        return urllib.request.urlopen(request, timeout=TIMEOUT, context=_tls())
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416:
                part.restart()
                raise Unreachable("does not have the rest of the file") from error
            if error.code in BUSY:
                raise Unreachable(f"answers {error.code} {error.reason}", _retry_after(error)) from error
            raise Refused(f"answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise Unreachable(str(error.reason), silent=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(str(error) or type(error).__name__, silent=True) from error
    except ValueError as error:
        raise Refused(str(error)) from error


def _check_answer(answer: Any, part: Part, location: Location) -> int | None:
    """Check what the answer announces, empty `part` if it starts anew; returns the size of the whole file."""
    if answer.headers.get_content_type() == "text/html":
        raise Refused("sent a web page instead of an archive: a login or an expired link")
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
    if answer.status == 206 and span and int(span[1]) == part.size:
        total = None if span[2] == "*" else int(span[2])
    elif answer.status == 206:
        part.restart()
        raise Unreachable("sent another part of the file than the one asked for")
    else:
        part.restart()
        length = answer.headers.get("Content-Length")
        total = int(length) if length else None
    if None not in (total, location.size) and total != location.size:
        raise Refused(f"has a file of {total} bytes where {location.size} are expected")
    if not part.size:
        part.tag = answer.headers.get("ETag", "")
    return total if total is not None else location.size


def _chunks(answer: Any) -> Iterator[bytes]:
    while True:
        try:
            chunk = answer.read(CHUNK)
        except http.client.IncompleteRead as error:
            yield error.partial
            return
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        if not chunk:
            return
        yield chunk


def _check_beginning(chunk: bytes) -> None:
    if chunk.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise Refused("sent a web page instead of an archive: a login or an expired link")


def _retry_after(error: urllib.error.HTTPError) -> float:
    value = error.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


@cache
def _tls() -> ssl.SSLContext:
    """The system's certificates, and those of certifi for Python builds without any."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
