"""Fingerprints as a file: an npz of plain arrays, whose zip comment is the sha256 of all bytes before it.

A file that differs by a bit anywhere is refused. numpy reads it as any other npz.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from graphlab.core.errors import DataError
from graphlab.core.files import write_atomic
from graphlab.ops.personalised_pagerank.fingerprints import Fingerprints

VERSION = 1
_DIGEST = 64


def save_fingerprints(fingerprints: Fingerprints, path: Path | str) -> None:
    """Write a file that is whole or absent. Raises OSError as the system gives it."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        version=np.array(VERSION),
        start=fingerprints.start,
        node=fingerprints.node,
        count=fingerprints.count,
        num_walks=np.array(fingerprints.num_walks),
        restart=np.array(fingerprints.restart),
        graph=np.array(fingerprints.graph),
    )
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"0" * _DIGEST
    content = buffer.getbuffer()[:-_DIGEST]
    digest = hashlib.sha256(content).hexdigest().encode()

    def write(file: io.BufferedIOBase) -> None:
        file.write(content)
        file.write(digest)

    write_atomic(Path(path), write)  # pyright: ignore[reportArgumentType]  # a binary file, by its other name


def load_fingerprints(path: Path | str) -> Fingerprints:
    """Read what `save_fingerprints` wrote.

    Raises:
        DataError: There is no such file, it was altered or cut short, or it is of another version.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the fingerprints {path}: {error.strerror}", hint="check the path") from None
    digest = hashlib.sha256(memoryview(content)[:-_DIGEST]).hexdigest().encode()
    if len(content) <= _DIGEST or content[-_DIGEST:] != digest:
        raise DataError(
            f"{path} is not what was written: its sha256 differs", hint="walk anew by Fingerprints.of and save them"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        if int(arrays["version"]) != VERSION:
            raise DataError(f"{path} has version {int(arrays['version'])}", hint=f"this reads version {VERSION}")
        return Fingerprints(
            arrays["start"],
            arrays["node"],
            arrays["count"],
            int(arrays["num_walks"]),
            float(arrays["restart"]),
            str(arrays["graph"]),
        )
