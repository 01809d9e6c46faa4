"""Raw files on demand: from the mirror, else the data root, else downloaded or made; checked by sha256 each time."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from graphlab.core.errors import DataError
from graphlab.core.files import hash_file, write_atomic
from graphlab.core.paths import data_root
from graphlab.data.card import Source
from graphlab.data.download import NetworkError, copy_member, download
from graphlab.data.paths import mirror

RETRY = "try again; if it stays so, the publisher has changed the file"


class Files:
    """The raw files of one data set, as an adapter sees them: `files.path("planetoid/ind.cora.x")`.

    A file is fetched when it is first asked for, and never handed out before its digest was checked.
    The mirror is only read. Files in the data root are whole or absent.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.path: source for source in sources}
        self._digests: dict[str, str] = {}

    def path(self, name: str) -> Path:
        """The local path of a declared source.

        Raises DataError if it is altered or cut short, or if it is nowhere to be had.
        """
        source = self._sources[name]
        found = locate(source)
        if found is None:
            self._obtain(source)
            found = data_root() / name
        self._check(source, found)
        return found

    def digests(self) -> dict[str, str]:
        """sha256 by name. Files that are here are checked; absent ones with a known digest are not fetched for it."""
        for name, source in self._sources.items():
            if source.sha256 is None or locate(source) is not None:
                self.path(name)
        return {name: self._digests.get(name) or source.sha256 or "" for name, source in self._sources.items()}

    def _check(self, source: Source, path: Path) -> None:
        if source.path in self._digests:
            return
        try:
            found = hash_file(path)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}", hint="mend its permissions") from None
        if path.is_relative_to(data_root()):
            advice = "delete it; it is fetched again when it is next needed"
        else:
            advice = "replace it in the mirror by the file as it was published"
        _compare(source, found, where=str(path), hint=advice)
        self._digests[source.path] = found

    def _obtain(self, source: Source) -> None:
        if source.made_by:
            _make(source)
        elif source.member:
            _download_archive(source, [s for s in self._sources.values() if s.url == source.url])
        elif source.url:
            _download_file(source)
        else:
            raise _nowhere(source, f"no address serves it; it was converted from {source.origin}")


def locate(source: Source) -> Path | None:
    """Where a file lies already, unchecked: in the mirror, else in the data root; None if in neither.

    Raises DataError where it may not be looked for.
    """
    places = [folder / source.path for folder in (mirror(), data_root()) if folder is not None]
    try:
        return next((place for place in places if place.exists()), None)
    except OSError as error:
        raise DataError(f"cannot look for {error.filename}: {error.strerror}", hint="mend its permissions") from None


def _compare(source: Source, found: str, *, where: str, hint: str) -> None:
    if source.sha256 not in (None, found):
        raise DataError(f"{where} is not the file it should be: sha256 is {found}, expected {source.sha256}", hint=hint)


def _nowhere(source: Source, reason: str) -> DataError:
    places = [str(folder) for folder in (mirror(), data_root()) if folder is not None]
    return DataError(
        f"{source.path} is neither in {' nor in '.join(places)}, and {reason}",
        hint="go online, or set GRAPHLAB_MIRROR to a folder that has it",
    )


@contextmanager
def _writing(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"cannot write to the data root {root}: {error.strerror or error}",
            hint="free space there, or set GRAPHLAB_DATA to a folder that can be written to",
        ) from None


def _make(source: Source) -> None:
    root = data_root()
    with _writing(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".making-") as folder:
            draft, target = Path(folder, source.path), root / source.path
            draft.parent.mkdir(parents=True)
            importlib.import_module(source.made_by).make(draft)
            _compare(
                source,
                hash_file(draft),
                where=f"{source.path} as made by {source.made_by}",
                hint="its numbers depend on numpy's generators: install the versions of constraints.txt",
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)


def _download_file(source: Source) -> None:
    root = data_root()

    def write(file) -> None:
        found = download(source.url, file)
        _compare(source, found, where=source.url, hint=RETRY)

    try:
        with _writing(root):
            write_atomic(root / source.path, write)
    except NetworkError as error:
        raise _nowhere(source, f"{source.url} cannot be fetched: {error}") from None


def _download_archive(wanted: Source, sources: Sequence[Source]) -> None:
    """Fetch the archive of a wanted file once and take out every member that is declared with its address."""
    root, url = data_root(), wanted.url
    try:
        with _writing(root):
            root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root) as archive:
                download(url, archive)
                for source in sources:

                    def write(file, source=source) -> None:
                        found = copy_member(archive, source.member, file, url)
                        _compare(
                            source, found, where=f"{source.member} in {url}", hint="the publisher changed the file"
                        )

                    write_atomic(root / source.path, write)
    except NetworkError as error:
        raise _nowhere(wanted, f"{url} cannot be fetched: {error}") from None
