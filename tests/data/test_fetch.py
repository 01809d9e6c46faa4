"""Files come from the mirror, the data root, or the network, and are never handed out unchecked."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from graphlab.core.errors import DataError
from graphlab.data import download
from graphlab.data.card import Source
from graphlab.data.fetch import Files
from tests.data.server import content, failure, serve

pytestmark = pytest.mark.usefixtures("data_root")

BODY = b"1\t2\t3\n" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("GRAPHLAB_MIRROR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch):
    monkeypatch.delenv("GRAPHLAB_MIRROR", raising=False)


@pytest.fixture
def site():
    with serve() as site:
        yield site


def source(site, name="file.txt", **more):
    return Source("family/file.txt", SHA256, url=f"{site.url}/{name}", **more)


def leftovers(root):
    return [path for path in root.rglob("*") if path.is_file()]


def test_downloads_once(site, data_root):
    site.answers["/file.txt"] = [content(BODY)]
    for _ in range(2):
        path = Files([source(site)]).path("family/file.txt")
        assert path == data_root / "family/file.txt"
        assert path.read_bytes() == BODY
    assert site.requests == ["/file.txt"]


def test_mirror_goes_first_and_stays_as_it_is(site, mirror, data_root):
    (mirror / "family").mkdir()
    (mirror / "family/file.txt").write_bytes(BODY)
    assert Files([source(site)]).path("family/file.txt") == mirror / "family/file.txt"
    assert not site.requests
    assert not data_root.exists()
    assert leftovers(mirror) == [mirror / "family/file.txt"]


def test_mirror_without_the_file_is_passed_over(site, mirror, data_root):
    site.answers["/file.txt"] = [content(BODY)]
    assert Files([source(site)]).path("family/file.txt").is_relative_to(data_root)
    assert leftovers(mirror) == []


def test_mirror_that_is_not_there(site, mirror):
    mirror.rmdir()
    with pytest.raises(DataError, match="GRAPHLAB_MIRROR is no folder"):
        Files([source(site)]).path("family/file.txt")


@pytest.mark.parametrize("spoiled", [BODY[:-10], b"", BODY.replace(b"2", b"7", 1)])
def test_altered_file_in_the_mirror(site, mirror, spoiled):
    (mirror / "family").mkdir()
    (mirror / "family/file.txt").write_bytes(spoiled)
    with pytest.raises(DataError) as caught:
        Files([source(site)]).path("family/file.txt")
    assert str(mirror / "family/file.txt") in caught.value.message
    assert SHA256 in caught.value.message
    assert hashlib.sha256(spoiled).hexdigest() in caught.value.message
    assert "replace it" in (caught.value.hint or "")
    assert (mirror / "family/file.txt").read_bytes() == spoiled


def test_altered_file_in_the_data_root(site, data_root):
    (data_root / "family").mkdir(parents=True)
    (data_root / "family/file.txt").write_bytes(BODY[1:])
    with pytest.raises(DataError) as caught:
        Files([source(site)]).digests()
    assert "delete it" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "first", [failure(503), failure(429), content(BODY[:100], claim=len(BODY)), content(b"", claim=len(BODY))]
)
def test_tries_again_after_what_may_pass(site, first):
    site.answers["/file.txt"] = [first, content(BODY)]
    assert Files([source(site)]).path("family/file.txt").read_bytes() == BODY
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    ("answer", "requests", "words"),
    [
        (failure(404), 1, "HTTP 404"),
        (failure(503), 4, "HTTP 503"),
        (content(BODY[:100], claim=len(BODY)), 4, "broke off"),
        (content(BODY[:-1]), 1, "expected"),
    ],
)
def test_failed_download_leaves_nothing(site, data_root, answer, requests, words):
    site.answers["/file.txt"] = [answer]
    with pytest.raises(DataError, match=words):
        Files([source(site)]).path("family/file.txt")
    assert len(site.requests) == requests
    assert leftovers(data_root) == []


def test_offline_says_where_it_looked(mirror, data_root):
    url = "http://127.0.0.1:9/file.txt"
    with pytest.raises(DataError) as caught:
        Files([Source("family/file.txt", SHA256, url=url)]).path("family/file.txt")
    for words in (str(mirror), str(data_root), url):
        assert words in caught.value.message
    assert "GRAPHLAB_MIRROR" in (caught.value.hint or "")


def test_digests_fetch_nothing_that_is_known(site):
    assert Files([source(site)]).digests() == {"family/file.txt": SHA256}
    assert not site.requests


def tarball(members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, body in members:
            about = tarfile.TarInfo(name)
            about.size = len(body)
            archive.addfile(about, io.BytesIO(body))
    return buffer.getvalue()


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in members:
            archive.writestr(name, body)
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [tarball, zipped])
def test_archive_is_fetched_once_for_all_its_members(site, data_root, pack):
    members = [("deep/../../train.txt", BODY), ("deep/._train.txt", b"?"), ("deep/test.txt", BODY * 2)]
    site.answers["/all"] = [content(pack(members))]
    sources = [
        Source("family/train.txt", SHA256, url=f"{site.url}/all", member="train.txt"),
        Source("family/test.txt", hashlib.sha256(BODY * 2).hexdigest(), url=f"{site.url}/all", member="test.txt"),
    ]
    files = Files(sources)
    assert files.path("family/train.txt").read_bytes() == BODY
    assert files.path("family/test.txt").read_bytes() == BODY * 2
    assert site.requests == ["/all"]
    assert len(leftovers(data_root)) == 2


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (tarball([("other.txt", BODY)]), "0 files called file.txt"),
        (tarball([("a/file.txt", BODY), ("b/file.txt", BODY)]), "2 files called file.txt"),
        (tarball([("file.txt", BODY[1:])]), "expected"),
        (tarball([("file.txt", BODY)])[:60], "not a whole archive"),
        (b"no archive at all", "not a whole archive"),
    ],
    ids=["another", "two", "altered", "cut", "none"],
)
def test_wrong_archive_leaves_nothing(site, data_root, archive, words):
    site.answers["/all"] = [content(archive)]
    with pytest.raises(DataError, match=words):
        Files([source(site, "all", member="file.txt")]).path("family/file.txt")
    assert leftovers(data_root) == []


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.98])
def test_a_damaged_archive_is_one_clear_error_or_what_it_was(site, data_root, mode, place):
    body = random.Random(0).randbytes(50_000)
    whole = bytearray(tarball([("file.txt", body)], mode))
    whole[int(place * len(whole))] ^= 255
    site.answers["/all"] = [content(bytes(whole))]
    wanted = Source("family/file.txt", hashlib.sha256(body).hexdigest(), url=f"{site.url}/all", member="file.txt")
    try:
        assert Files([wanted]).path("family/file.txt").read_bytes() == body
    except DataError as error:
        assert "cannot write" not in error.message
        assert leftovers(data_root) == []


def test_link_in_an_archive_is_not_followed(site, data_root):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("file.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    site.answers["/all"] = [content(buffer.getvalue())]
    with pytest.raises(DataError, match="0 files called"):
        Files([source(site, "all", member="file.txt")]).path("family/file.txt")


def test_data_root_that_cannot_be_written_to(site, tmp_path, monkeypatch):
    site.answers["/file.txt"] = [content(BODY)]
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("GRAPHLAB_DATA", str(blocked / "data"))
    with pytest.raises(DataError, match="cannot write to the data root") as caught:
        Files([source(site)]).path("family/file.txt")
    assert "GRAPHLAB_DATA" in (caught.value.hint or "")


@pytest.mark.parametrize("member", ["", "file.txt"])
def test_full_disk_leaves_nothing(site, data_root, member, monkeypatch):
    def no_space(*_):
        raise OSError(28, "No space left on device")

    site.answers["/file"] = [content(tarball([("file.txt", BODY)]) if member else BODY)]
    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(DataError, match="No space left"):
        Files([source(site, "file", member=member)]).path("family/file.txt")
    assert leftovers(data_root) == []


def test_file_of_our_own_is_made_and_checked(data_root, tmp_path, monkeypatch):
    (tmp_path / "maker_of_files.py").write_text("def make(path):\n    path.write_bytes(b'1\\t2\\t3\\n' * 1000)\n")
    monkeypatch.syspath_prepend(tmp_path)
    made = Source("family/file.txt", SHA256, made_by="maker_of_files")
    assert Files([made]).path("family/file.txt").read_bytes() == BODY
    assert leftovers(data_root) == [data_root / "family/file.txt"]
    other = Source("family/other.txt", "0" * 64, made_by="maker_of_files")
    with pytest.raises(DataError, match="as made by maker_of_files"):
        Files([other]).path("family/other.txt")
    assert leftovers(data_root) == [data_root / "family/file.txt"]


def test_two_processes_at_once(site, data_root):
    site.answers["/file.txt"] = [content(BODY * 2000)]
    digest = hashlib.sha256(BODY * 2000).hexdigest()
    code = (
        "from graphlab.data.card import Source; from graphlab.data.fetch import Files\n"
        f"files = Files([Source('family/file.txt', {digest!r}, url='{site.url}/file.txt')])\n"
        "print(files.path('family/file.txt').stat().st_size)"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sizes = [worker.communicate(timeout=600)[0].strip() for worker in workers]
    assert sizes == [str(len(BODY) * 2000)] * 2
    assert leftovers(data_root) == [data_root / "family/file.txt"]


def test_a_folder_that_may_not_be_looked_into_says_so(site, mirror, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(DataError, match=r"cannot look for .*file\.txt: Permission denied"):
        Files([source(site)]).digests()
