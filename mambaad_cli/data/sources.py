"""Getting an archive from the first source that has it: mirror, web server, Hugging Face, Google Drive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mambaad_cli import env
from mambaad_cli.data import manifest
from mambaad_cli.data.download import RETRIES, TIMEOUT, Location, Refused, Unreachable, download
from mambaad_cli.data.info import MB, Archive, DatasetInfo, Progress, Source, megabytes, silent
from mambaad_cli.errors import NetworkError, UsageError


@dataclass(frozen=True)
class Gotten:
    """An archive on disk."""

    path: Path
    source: Source
    sha256: str


def get(
    info: DatasetInfo, archive: Archive, folder: Path, mirror: str | None = None, progress: Progress = silent
) -> Gotten:
    """The archive in `folder`, downloaded unless it is there already with the right hash.

    Args:
        info: the dataset.
        archive: which archive of it.
        folder: where it goes, and where an interrupted download waits to go on.
        mirror: address of a mirror, asked first for {mirror}/{dataset}/{archive}.
        progress: shows how many MB are done.

    Raises:
        NetworkError: no source gives the archive, or the network must not be touched.
    """
    failures: list[str] = []
    for source in _sources(info, archive, mirror):
        file = folder / _file_name(archive, source)
        if file.exists():
            sha256 = manifest.sha256_of(file)
            if source.sha256 in (None, sha256):
                return Gotten(file, source, sha256)
            file.unlink()
        if env.offline():
            raise NetworkError(
                f"{archive.name} of {info.title} is not here, and MAMBAAD_OFFLINE forbids to download it",
                f"use what you have: mambaad fetch {info.key} --from PATH",
            )
        try:
            return Gotten(file, source, FROM[source.kind](source, file, progress))
        except (Refused, Unreachable) as failure:
            failures.append(f"  {source}: {failure}")
    raise NetworkError(
        f"cannot download {archive.name} of {info.title}:\n" + "\n".join(failures),
        "try again (it goes on where it stopped):\n"
        f"    mambaad fetch {info.key}\n"
        f"or get it with a browser, at {info.homepage}, and pass it on:\n"
        f"    mambaad fetch {info.key} --from PATH",
    )


def _sources(info: DatasetInfo, archive: Archive, mirror: str | None) -> tuple[Source, ...]:
    if not mirror:
        return archive.sources
    if not mirror.startswith(("http://", "https://")):
        raise UsageError(
            f"the mirror {mirror!r} is no web address", "for example https://files.example.com/datasets"
        )
    first = archive.sources[0]
    address = f"{mirror.rstrip('/')}/{info.key}/{archive.name}"
    return (Source("http", address, first.sha256, first.size), *archive.sources)


def _file_name(archive: Archive, source: Source) -> str:
    """A name that says which bytes the file has: sources of the same bytes go on with each other's part."""
    import hashlib

    identity = source.sha256 or hashlib.sha256(str(source).encode()).hexdigest()
    return f"{identity[:16]}-{Path(archive.name).name}"


def _from_web(source: Source, file: Path, progress: Progress) -> str:
    location = Location(source.address, {}, source.sha256, source.size)
    return download(lambda: location, file, progress)


def _from_hub(source: Source, file: Path, progress: Progress) -> str:
    return download(lambda: _locate_on_hub(source), file, progress)


def _locate_on_hub(source: Source) -> Location:
    """The present address of a file in a Hugging Face repository; the user's token opens gated ones."""
    from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
    )

    owner, name, path = source.address.split("/", 2)
    url = hf_hub_url(f"{owner}/{name}", path, repo_type="dataset")
    page = url.split("/resolve/")[0]
    try:
        found = get_hf_file_metadata(url)
    except GatedRepoError as error:
        raise Refused(
            f"is gated: ask for access at {page}, log in with `hf auth login` (or HF_TOKEN), then fetch again"
        ) from error
    except RepositoryNotFoundError as error:
        raise Refused(f"is not there, or needs a login (`hf auth login`): {page}") from error
    except EntryNotFoundError as error:
        raise Refused(f"has no file {path}: {page}") from error
    except HfHubHTTPError as error:
        raise Unreachable(f"answers {error.response.status_code}: {page}") from error
    except Exception as error:  # those of the HTTP library below, which differs between versions
        raise Unreachable(f"{type(error).__name__}: {error}", silent=True) from error
    same_host = urlsplit(found.location).netloc == urlsplit(url).netloc
    token = get_token() if same_host else None  # a token is for the hub alone
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    etag = found.etag or ""
    sha256 = source.sha256 or (etag if len(etag) == 64 else None)
    return Location(found.location, headers, sha256, source.size or found.size)


def _from_drive(source: Source, file: Path, progress: Progress) -> str:
    """Google Drive, by gdown: it knows the questions that Drive asks before large files."""
    import gdown
    import requests

    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    with progress("downloading", (source.size or 0) // MB) as advance:
        reach = megabytes(advance)
        try:
            gdown.download(
                id=source.address,
                output=str(part),
                quiet=True,
                resume=True,
                retries=RETRIES,
                timeout=TIMEOUT,
                progress=lambda done, total: reach(done),
            )
        except gdown.exceptions.FileURLRetrievalError as error:
            raise Refused(f"does not give the file: {' '.join(str(error).split())}") from error
        except (gdown.exceptions.DownloadError, requests.RequestException) as error:
            raise Unreachable(str(error)) from error
    sha256 = manifest.sha256_of(part)
    if source.sha256 not in (None, sha256):
        part.unlink()
        raise Refused(f"sent other bytes than expected (sha256 {sha256})")
    part.replace(file)
    return sha256


FROM: dict[str, Callable[[Source, Path, Progress], str]] = {
    "http": _from_web,
    "hub": _from_hub,
    "drive": _from_drive,
}
