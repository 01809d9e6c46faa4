"""Files are whole or absent."""

import errno
import hashlib

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
