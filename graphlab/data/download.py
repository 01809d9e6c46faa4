"""Downloads that are whole or fail, and single members of archives."""

from __future__ import annotations

import hashlib
import http.client
import lzma
import shutil
import socket
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from graphlab.core.errors import DataError

PAUSES = (0.5, 2.0, 5.0)
"""Seconds to wait before each new attempt."""

TIMEOUT = 30.0
CHUNK = 1 << 18
LARGE = 8 << 20
"""Bytes from which a download shows its progress."""


BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
"""What reading a damaged archive raises; RuntimeError for a method or a password that zipfile does not have."""


class NetworkError(Exception):
    """A download that failed; `final` if trying again is of no use."""

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def download(url: str, file: IO[bytes]) -> str:
    """Fetch `url` into `file`, trying again after what may pass; returns the sha256.

    Raises NetworkError after the last attempt, or at once where the server says that there is no such file.
    """
    for pause in PAUSES:
        try:
            return _attempt(url, file)
        except NetworkError as error:
            if error.final:
                raise
            time.sleep(pause)
    return _attempt(url, file)


def _attempt(url: str, file: IO[bytes]) -> str:
    file.seek(0)
    file.truncate()
    digest = hashlib.sha256()
    received = 0
    with _network():
        response = urllib.request.urlopen(url, timeout=TIMEOUT)
    size = int(response.headers.get("Content-Length") or 0)
    with response, _progress(url, size) as advance:
        while True:
            with _network():
                chunk = response.read(CHUNK)
            if not chunk:
                break
            digest.update(chunk)
            file.write(chunk)
            received += len(chunk)
            advance(len(chunk))
    if received < size:
        raise NetworkError(f"it broke off after {received:,} of {size:,} bytes")
    return digest.hexdigest()


@contextmanager
def _network() -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        final = 400 <= error.code < 500 and error.code not in (408, 425, 429)
        raise NetworkError(f"HTTP {error.code} {error.reason}", final) from None
    except urllib.error.URLError as error:
        raise NetworkError(str(error.reason), isinstance(error.reason, socket.gaierror)) from None
    except (OSError, http.client.HTTPException) as error:
        raise NetworkError(str(error) or type(error).__name__) from None


@contextmanager
def _progress(url: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal for what takes a while; nothing elsewhere."""
    if size < LARGE or not sys.stderr.isatty():
        yield lambda advance: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(PurePosixPath(url).name, total=size)
        yield lambda advance: bar.advance(task, advance)


def copy_member(archive: IO[bytes], name: str, file: IO[bytes], url: str) -> str:
    """Copy the one member called `name`, in whatever folder, out of a tar or zip; returns the sha256.

    Raises DataError if the archive is broken, or has no such member or several.
    """
    archive.seek(0)
    try:
        with _members(archive) as members:
            fitting = [read for path, read in members.items() if PurePosixPath(path).name == name]
            if len(fitting) != 1:
                raise DataError(
                    f"{url} has {len(fitting)} files called {name}, expected one",
                    hint=f"it has: {', '.join(sorted(members)) or 'nothing'}",
                )
            with fitting[0]() as member:
                digest = hashlib.file_digest(member, "sha256").hexdigest()  # pyright: ignore[reportArgumentType]
            with fitting[0]() as member:
                shutil.copyfileobj(member, file)
    except BROKEN as error:
        raise DataError(f"{url} is not a whole archive: {error}", hint="try again later") from None
    return digest


@contextmanager
def _members(archive: IO[bytes]) -> Iterator[dict[str, Callable[[], IO[bytes]]]]:
    """How to open each plain file of an archive, by its path; links and devices are left out."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            yield {i.filename: lambda i=i: zipped.open(i) for i in zipped.infolist() if not i.is_dir()}
    else:
        archive.seek(0)
        with tarfile.open(fileobj=archive, mode="r:*") as tarred:
            yield {m.name: lambda m=m: tarred.extractfile(m) for m in tarred.getmembers() if m.isfile()}  # pyright: ignore[reportReturnType]
