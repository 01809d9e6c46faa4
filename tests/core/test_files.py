"""Files are whole or absent."""

import errno
import hashlib
import json
import threading

import pytest

from graphlab.core.files import canonical_json, hash_file, write_atomic, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a" / "result.json"
    write_json(path, {"x": 1})

    def fail(file):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, fail)
    assert path.read_text() == '{\n "x": 1\n}\n'
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    """While another thread replaces the file again and again."""
    path, contents = tmp_path / "result.json", [{"x": [n] * 2_000} for n in range(2)]
    write_json(path, contents[0])
    over = threading.Event()

    def replace():
        for n in range(25):
            write_json(path, contents[(n + 1) % 2])
        over.set()

    writer = threading.Thread(target=replace)
    writer.start()
    seen = []
    while not over.is_set():
        seen.append(json.loads(path.read_text()))
    writer.join()
    assert seen and all(content in contents for content in seen)


def test_nan_is_not_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_canonical_json_has_one_spelling():
    assert (
        canonical_json({"b": 1, "a": [1.0, None]})
        == canonical_json({"a": [1.0, None], "b": 1})
        == '{"a":[1.0,null],"b":1}'
    )


def test_hash_file_is_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc" * 100_000)
    assert hash_file(tmp_path / "f") == hashlib.sha256(b"abc" * 100_000).hexdigest()
