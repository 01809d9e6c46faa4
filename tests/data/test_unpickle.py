"""Foreign pickles give numbers or an error, and never run what they name."""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import struct

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix, random_array

from graphlab.core.errors import DataError, UnsafePickleError
from graphlab.data.unpickle import read_object_array, read_pickle, read_saved


@pytest.fixture
def read(tmp_path):
    def read(content: bytes):
        path = tmp_path / "raw"
        path.write_bytes(content)
        return read_pickle(path)

    return read


class Calls:
    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


PROOF = "/tmp/graphlab-proof-that-a-pickle-ran"

HOSTILE = {
    "system": pickle.dumps(Calls(os.system, f"touch {PROOF}")),
    "eval": pickle.dumps(Calls(eval, "1 + 1"), protocol=0),
    "nested": pickle.dumps({0: [1, Calls(exec, "raise SystemExit")]}),
    "getattr": pickle.dumps(Calls(getattr, "text", "format")),
    "import": b"\x80\x04\x8c\x0agraphlab.x\x8c\x04name\x93.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.fill\x93.",
    "numpy loader": b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
    "a class with state": pickle.dumps(collections.OrderedDict(a=1)),
    "in a dtype": b"cnumpy.core.multiarray\n_reconstruct\n(cposix\nsystem\n(I0\ntS'b'\ntR.",
    "extension": b"\x80\x02\x82\x01.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(read, name):
    with pytest.raises(DataError) as caught:
        read(HOSTILE[name])
    assert caught.value.hint
    assert not os.path.exists(PROOF)  # noqa: PTH110


def test_the_error_names_what_was_asked_for(read):
    with pytest.raises(UnsafePickleError, match=r"asks for (posix|nt)\.system"):
        read(HOSTILE["system"])


def test_object_arrays_are_refused(read):
    with pytest.raises(DataError, match="not numeric"):
        read(pickle.dumps(np.array([None, {}], dtype=object), protocol=2))


def test_a_pickle_changes_nothing_that_lasts(read):
    """BUILD can set attributes of what it is given; the next pickle must not see them."""
    state = b"}X\x05\x00\x00\x00buildK\x01s"
    read(b"\x80\x02cscipy.sparse.csr\ncsr_matrix\nN" + state + b"\x86b0K\x05.")
    matrix = csr_matrix(np.eye(3))
    assert (read(pickle.dumps(matrix)) != matrix).nnz == 0


def test_matrix_with_indices_out_of_range_is_refused(read):
    matrix = csr_matrix(np.eye(3))
    matrix.indices[1] = 1000
    with pytest.raises(DataError):
        read(pickle.dumps(matrix))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_matrices(read, protocol):
    matrix = csr_matrix(random_array((20, 30), density=0.2, rng=np.random.default_rng(0)))
    assert (read(pickle.dumps(matrix, protocol)) != matrix).nnz == 0


def test_python_2_text_of_an_array(read):
    """Python 2 wrote the bytes of an array as a latin-1 string."""
    values = np.arange(200, 260, dtype="<u2")
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03"
        b"(K\x01K<\x85cnumpy\ndtype\nU\x02u2K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + struct.pack("B", values.nbytes) + values.tobytes() + b"tb."
    )
    assert np.array_equal(read(content), values)


def test_graph_of_lists(read):
    graph = collections.defaultdict(list, {0: [1, 2], 1: [0], 2: [0]})
    assert read(pickle.dumps(graph, 2)) == dict(graph)


arrays = hnp.arrays(st.sampled_from(["<f4", ">f8", "<i8", ">i2", "?", "u1"]), hnp.array_shapes(max_dims=3, max_side=4))


@settings(max_examples=50, deadline=None)
@given(arrays, st.sampled_from([2, 3, 4]), st.booleans())
def test_arrays_come_back_as_they_were(tmp_path_factory, array, protocol, column_major):
    path = tmp_path_factory.mktemp("raw") / "array"
    path.write_bytes(pickle.dumps(np.asfortranarray(array) if column_major else array, protocol))
    found = read_pickle(path)
    assert found.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(found, array)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_gives_plain_data_or_one_kind_of_error(tmp_path_factory, data):
    whole = pickle.dumps({"a": csr_matrix(np.eye(4)), "b": [1, 2.5, "c"]}, 2)
    start = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path_factory.mktemp("raw") / "damaged"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=6)))
    with contextlib.suppress(DataError):
        read_pickle(path)


@given(tensor=st.sampled_from([torch.float32, torch.float64, torch.int64, torch.int8, torch.uint8, torch.bool]))
@settings(max_examples=12, deadline=None)
def test_tensors_come_as_arrays(tensor, tmp_path_factory):
    path = tmp_path_factory.mktemp("pickles") / "raw"
    values = torch.arange(12).to(tensor).view(3, 4)
    path.write_bytes(pickle.dumps([values, values.t(), values[1:, 2], torch.zeros(0, 2, dtype=tensor)], protocol=2))
    for found, expected in zip(read_pickle(path), [values, values.t(), values[1:, 2], torch.zeros(0, 2)], strict=True):
        assert isinstance(found, np.ndarray) and found.shape == tuple(expected.shape)
        assert found.tolist() == expected.tolist()


def test_what_a_tensor_is_stored_in_is_not_run(read):
    class Storage:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (pickle.dumps(Calls(os.system, f"touch {PROOF}")),)

    class Tensor:
        def __reduce__(self):
            return torch._utils._rebuild_tensor_v2, (Storage(), 0, (1,), (1,), False, collections.OrderedDict())

    with pytest.raises(DataError):
        read(pickle.dumps(Tensor(), protocol=2))
    assert not os.path.exists(PROOF)  # noqa: PTH110


@pytest.mark.parametrize(("size", "offset"), [((100,), 0), ((2,), 11), ((-1,), 0)])
def test_a_tensor_beyond_its_storage_is_refused(read, size, offset):
    class Tensor:
        def __reduce__(self):
            storage = torch.arange(12).untyped_storage()
            typed = torch.storage.TypedStorage(wrap_storage=storage, dtype=torch.int64, _internal=True)
            return torch._utils._rebuild_tensor_v2, (typed, offset, size, (1,), False, collections.OrderedDict())

    with pytest.raises(DataError):
        read(pickle.dumps(Tensor(), protocol=2))


def test_lists_of_the_same_lists_are_read_once(read):
    """135 bytes that name 2^60 numbers, as lists that share all their parts."""
    nested = [1]
    for _ in range(60):
        nested = [nested, nested]
    found = read(pickle.dumps(nested, 2))
    for _ in range(60):
        assert found[0] is found[1]
        found = found[0]
    assert found == [1]


def test_a_list_in_itself_is_refused(read):
    nested = []
    nested.append(nested)
    with pytest.raises(DataError):
        read(pickle.dumps(nested))


def test_keys_are_plain_data_too(read):
    assert read(pickle.dumps({(1, "a"): 2, np.float32(1.5): 3}, 2)) == {(1, "a"): 2, 1.5: 3}
    with pytest.raises(UnsafePickleError, match="holds a Hooks"):
        read(b"\x80\x02}ccollections\nOrderedDict\n)RK\x01s.")


def test_a_tensor_that_repeats_a_few_bytes_is_refused(read):
    """Strides of 0: a terabyte from 96 bytes."""

    class Tensor:
        def __reduce__(self):
            storage = torch.arange(12).untyped_storage()
            typed = torch.storage.TypedStorage(wrap_storage=storage, dtype=torch.int64, _internal=True)
            size, stride = (10**6, 10**5), (0, 0)
            return torch._utils._rebuild_tensor_v2, (typed, 0, size, stride, False, collections.OrderedDict())

    with pytest.raises(DataError, match="larger than its storage"):
        read(pickle.dumps(Tensor(), protocol=2))


SAVING = ({}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4})


@pytest.mark.parametrize("saving", SAVING)
def test_saved_arrays_and_tensors_come_back(tmp_path, saving):
    whole = torch.arange(12).view(3, 4)
    values = {
        "array": np.arange(10).reshape(5, 2),
        "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "empty": np.zeros((0, 2), np.int64),
        "tensor": whole,
        "view": whole.t()[1:],
        "no numbers": torch.zeros(0),
        "bools": torch.tensor([True, False]),
        "half": torch.tensor([1.5]).half(),
    }
    torch.save({**values, "number": 3, "scalar": np.int64(4)}, tmp_path / "file.pt", **saving)
    read = read_saved(tmp_path / "file.pt")
    assert (read.pop("number"), read.pop("scalar")) == (3, 4)
    assert read.keys() == values.keys()
    for key, value in values.items():
        assert read[key].dtype == np.asarray(value).dtype and np.array_equal(read[key], np.asarray(value)), key


@pytest.mark.parametrize("saving", SAVING)
def test_saved_files_that_are_cut_short_are_refused(tmp_path, saving):
    torch.save({"array": np.arange(10), "tensor": torch.arange(12)}, tmp_path / "file.pt", **saving)
    content = (tmp_path / "file.pt").read_bytes()
    for size in range(0, len(content), 5):
        (tmp_path / "cut.pt").write_bytes(content[:size])
        with pytest.raises(DataError, match=r"cannot be read as a file of torch\.save"):
            read_saved(tmp_path / "cut.pt")


@pytest.mark.parametrize("saving", SAVING)
def test_saved_files_that_run_something_are_refused(tmp_path, saving):
    torch.save({"array": Calls(os.system, f"touch {PROOF}")}, tmp_path / "file.pt", **saving)
    with pytest.raises(UnsafePickleError, match="system"):
        read_saved(tmp_path / "file.pt")
    assert not os.path.exists(PROOF)  # noqa: PTH110


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_lists_of_dictionaries_in_npy_files_come_back(tmp_path, version):
    splits = [{"train": np.arange(k), "valid": torch.arange(k + 1), "test": [k]} for k in range(3)]
    with (tmp_path / "file.npy").open("wb") as file:
        np.lib.format.write_array(file, np.array(splits, dtype=object), version)
    read = read_object_array(tmp_path / "file.npy")
    assert [list(each) for each in read] == [list(each) for each in splits]
    for each, split in zip(read, splits, strict=True):
        assert all(np.array_equal(each[key], np.asarray(split[key])) for key in split)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.arange(3), "it holds int64 of the shape"),
        (np.array([[None, {}]], dtype=object), "it holds object of the shape"),
        (np.array([np.array([{}, {}, None], dtype=object), 1], dtype=object), "cannot be read as an array of objects"),
    ],
)
def test_npy_files_of_other_arrays_are_refused(tmp_path, array, reason):
    np.save(tmp_path / "file.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=reason):
        read_object_array(tmp_path / "file.npy")


def test_npy_files_that_run_something_or_are_cut_short_are_refused(tmp_path):
    path = tmp_path / "file.npy"
    np.save(path, np.array([{"train": Calls(os.system, f"touch {PROOF}")}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(UnsafePickleError, match="system"):
        read_object_array(path)
    assert not os.path.exists(PROOF)  # noqa: PTH110
    np.save(path, np.array([{"train": np.arange(9)}, {}], dtype=object), allow_pickle=True)
    content = path.read_bytes()
    for size in range(0, len(content), 5):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match="cannot be read as an array of objects"):
            read_object_array(path)


def test_an_npy_file_whose_header_tells_another_length_is_refused(tmp_path):
    path = tmp_path / "file.npy"
    np.save(path, np.array([{}, {}], dtype=object), allow_pickle=True)
    path.write_bytes(path.read_bytes().replace(b"(2,)", b"(3,)"))
    with pytest.raises(DataError, match="its array is not of 3 objects"):
        read_object_array(path)
