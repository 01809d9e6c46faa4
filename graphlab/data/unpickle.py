"""Foreign pickles of plain numeric data, read without running anything that they name.

A pickle names functions and calls them. Here each name on a short list stands for a small recorder of our
own, which only notes what it was called with; arrays are then built from those notes. So no foreign code
runs, and neither numpy nor scipy sees a value that was not checked. Any other name is refused.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from scipy.sparse import csr_matrix

from graphlab.core.errors import DataError, UnsafePickleError

NUMERIC = "biuf"

STORAGES = {
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "HalfStorage": "float16",
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
}
"""What torch calls the memory of a tensor, by the type of its numbers."""

MAGIC = 0x1950A86A20F9469CFC6C
"""What a file of torch.save begins with that is no archive."""


def read_pickle(path: Path) -> Any:
    """Numbers, strings, lists, dicts, numpy arrays and CSR matrices from a pickle of Python 2 or 3; tensors of torch
    come as arrays.

    Raises UnsafePickleError if it asks for anything else, DataError if it is cut short or garbled.
    """
    return _read(path, "a pickle", lambda file: _build(_Unpickler(file, encoding="latin1").load()))


def read_saved(path: Path) -> Any:
    """The same from a file of `torch.save`, in either of its formats.

    Raises as `read_pickle` does.
    """
    return _read(path, "a file of torch.save", lambda file: (_archive if zipfile.is_zipfile(file) else _stream)(file))


def read_object_array(path: Path) -> list[Any]:
    """The elements of an `.npy` file of Python objects, as `np.save` writes a list of dictionaries. Each is what
    `read_pickle` gives.

    Raises as `read_pickle` does, and DataError for an array that is not one-dimensional or holds numbers.
    """
    return _read(path, "an array of objects", _object_array)


def _read(path: Path, kind: str, read: Callable[[IO[bytes]], Any]) -> Any:
    try:
        with path.open("rb") as file:
            return read(file)
    except DataError as error:
        raise type(error)(f"{path}: {error.message}", hint=error.hint) from None
    except Exception as error:  # a garbled pickle can fail in any way
        raise DataError(
            f"{path} cannot be read as {kind}: {error or type(error).__name__}",
            hint="replace it by the file as it was published",
        ) from None


def _archive(file: IO[bytes]) -> Any:
    """The format since torch 1.6: a zip with one pickle, and a file for the numbers of each tensor."""
    with zipfile.ZipFile(file) as archive:
        (name,) = [each for each in archive.namelist() if each.rpartition("/")[2] == "data.pkl"]
        folder = name.removesuffix("data.pkl")

        def content(storage: _Storage) -> bytes:
            member = archive.getinfo(f"{folder}data/{storage.key}")
            if member.file_size != storage.num_bytes:
                raise ValueError(f"{member.filename} has {member.file_size:,} bytes, not {storage.num_bytes:,}")
            return archive.read(member)

        unpickler = _SavedUnpickler(io.BytesIO(archive.read(name)), encoding="latin1")
        root = unpickler.load()
        for storage in unpickler.storages.values():
            storage.content = content(storage)
        return _build(root)


def _stream(file: IO[bytes]) -> Any:
    """The format before: pickles end to end, of which the fourth is the object and the fifth the list of the tensors'
    keys, and then for each of them how many numbers it has, in eight bytes, and these."""
    file.seek(0)
    if _SavedUnpickler(file, encoding="latin1").load() != MAGIC:
        raise ValueError("it does not begin as one")
    for _ in ("version of the format", "the machine that wrote it"):
        _SavedUnpickler(file, encoding="latin1").load()
    unpickler = _SavedUnpickler(file, encoding="latin1")
    root = unpickler.load()
    for key in _SavedUnpickler(file, encoding="latin1").load():
        storage = unpickler.storages[str(key)]
        count = int.from_bytes(file.read(8), "little")
        if count * storage.dtype.itemsize != storage.num_bytes:
            raise ValueError(f"a tensor of {storage.num_bytes:,} bytes has {count:,} numbers")
        storage.content = file.read(storage.num_bytes)
    return _build(root)


def _object_array(file: IO[bytes]) -> list[Any]:
    """The header of numpy, which tells the shape and type, and then a pickle of the array."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, _, dtype = read_header(file)
    if dtype.kind != "O" or len(shape) != 1:
        raise ValueError(f"it holds {dtype} of the shape {list(shape)}, not a list of objects")
    array = _ObjectUnpickler(file, encoding="latin1").load()
    if not isinstance(array, _Array):
        raise ValueError("it holds no array")
    return _build(array.objects(shape[0]))


class _Unpickler(pickle.Unpickler):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._recorders = _recorders()

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return self._recorders[module_name, global_name]
        except KeyError:
            raise UnsafePickleError(
                f"this pickle asks for {module_name}.{global_name}, which is not plain numeric data",
                hint="do not open it elsewhere; get the file from its publisher again",
            ) from None


class _Dtype:
    kinds = NUMERIC

    def __init__(self, code: str, *flags: Any) -> None:
        self.dtype = np.dtype(str(code))
        if self.dtype.kind not in self.kinds:
            raise ValueError(f"arrays of type {code!r} are not numeric")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(">" if state[1] == ">" else "<")


class _Array:
    """What numpy pickles of an array: (version, shape, dtype, column-major, bytes)."""

    def __init__(self) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def build(self) -> np.ndarray:
        _, shape, dtype, column_major, content = self.state
        content = content.encode("latin1") if isinstance(content, str) else content
        array = np.frombuffer(content, dtype.dtype).reshape(shape, order="F" if column_major else "C")
        return array.astype(dtype.dtype.newbyteorder("="), order="C")

    def objects(self, count: int) -> list[Any]:
        """The elements of a one-dimensional array of objects, as they were recorded."""
        _, shape, dtype, _, content = self.state
        is_list = dtype.dtype.kind == "O" and tuple(shape) == (count,) and isinstance(content, list)
        if not is_list or len(content) != count:
            raise ValueError(f"its array is not of {count:,} objects")
        return content


class _Csr:
    """What scipy pickles of a CSR matrix: its attributes."""

    def build(self) -> csr_matrix:
        parts = vars(self)
        arrays = tuple(parts[name].build() for name in ("data", "indices", "indptr"))
        matrix = csr_matrix(arrays, shape=tuple(int(n) for n in parts["_shape"]))
        matrix.check_format(full_check=True)
        return matrix


class _Tensor:
    """What torch pickles of a tensor: its storage, as a file of torch.save, and how the tensor lies in it; then its
    hooks, which are an empty OrderedDict and nothing else.
    """

    def __init__(self, content: bytes, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> None:
        self.content, self.view = content, (size, stride, offset)

    def build(self) -> np.ndarray:
        storage = torch.load(io.BytesIO(self.content), weights_only=True)
        flat = torch.empty(0, dtype=storage.dtype).set_(storage)
        if math.prod(self.view[0]) > len(flat):  # strides of 0 would make any size of a few bytes
            raise ValueError("a tensor is larger than its storage")
        return torch.as_strided(flat, *self.view).contiguous().numpy()


class _StorageType:
    """A class of torch, by the type of its numbers."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)


class _Storage:
    """The numbers of tensors in a file of torch.save, which stand outside its pickle."""

    def __init__(self, dtype: np.dtype, key: str, count: int) -> None:
        self.dtype, self.key, self.count = np.dtype(dtype), key, int(count)
        self.content = b""

    @property
    def num_bytes(self) -> int:
        return self.count * self.dtype.itemsize


class _SavedTensor:
    """What `torch.save` pickles of a tensor: its storage, and how the tensor lies in it; the rest is of no use here."""

    def __init__(self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> None:
        self.storage, self.view = storage, (size, stride, offset)

    def build(self) -> np.ndarray:
        flat = torch.from_numpy(np.frombuffer(self.storage.content, self.storage.dtype).copy())
        if math.prod(self.view[0]) > len(flat):  # strides of 0 would make any size of a few bytes
            raise ValueError("a tensor is larger than its storage")
        return torch.as_strided(flat, *self.view).contiguous().numpy()


class _SavedUnpickler(_Unpickler):
    """Of a pickle in a file of torch.save. `storages` are those that it refers to, by key, and hold nothing yet."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.storages: dict[str, _Storage] = {}
        self._recorders["torch._utils", "_rebuild_tensor_v2"] = type("Tensor", (_SavedTensor,), {})
        for name, dtype in STORAGES.items():
            self._recorders["torch", name] = _StorageType(dtype)  # pyright: ignore[reportArgumentType] never called

    def persistent_load(self, pid: Any, /) -> _Storage:
        _, kind, key, _, count, *_ = pid
        if not isinstance(kind, _StorageType):
            raise ValueError(f"a storage is of the kind {kind!r:.60}")
        return self.storages.setdefault(str(key), _Storage(kind.dtype, str(key), count))


class _ObjectUnpickler(_Unpickler):
    """Of the array of objects in an `.npy` file. Arrays of objects inside of it are refused when they are built."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._recorders["numpy", "dtype"] = type("Dtype", (_Dtype,), {"kinds": NUMERIC + "O"})


def _scalar(dtype: _Dtype, content: bytes | str) -> Any:
    content = content.encode("latin1") if isinstance(content, str) else content
    return np.frombuffer(content, dtype.dtype)[0].item()


def _recorders() -> dict[tuple[str, str], Callable[..., Any]]:
    """A new set for each pickle, since a pickle can set attributes of what it names."""
    names: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): lambda: None,
        ("numpy", "dtype"): type("Dtype", (_Dtype,), {}),
        ("collections", "defaultdict"): lambda factory=None: {},
        ("__builtin__", "list"): list,
        ("builtins", "list"): list,
        ("__builtin__", "int"): int,
        ("builtins", "int"): int,
        ("__builtin__", "bytes"): lambda: b"",
        ("_codecs", "encode"): lambda text, codec: text.encode("latin1"),
        ("collections", "OrderedDict"): type("Hooks", (), {}),
        ("torch.storage", "_load_from_bytes"): lambda content: content,
        ("torch._utils", "_rebuild_tensor_v2"): type("Tensor", (_Tensor,), {}),
    }
    for core in ("numpy.core.multiarray", "numpy._core.multiarray"):
        names[core, "_reconstruct"] = lambda subtype, shape, code: _Array()
        names[core, "scalar"] = lambda dtype, content: _scalar(dtype, content)
    for module in ("scipy.sparse.csr", "scipy.sparse._csr"):
        names[module, "csr_matrix"] = type("Csr", (_Csr,), {})
    return names


def _build(root: Any) -> Any:
    """Recorded arrays and matrices, wherever they lie in plain containers, as real ones.

    What the pickle refers to many times is built once: a few bytes of lists of the same lists would else take forever.
    """
    built: dict[int, Any] = {}

    def build(value: Any) -> Any:
        if id(value) not in built:
            built[id(value)] = convert(value)
        return built[id(value)]

    def convert(value: Any) -> Any:
        if isinstance(value, _Array | _Csr | _Tensor | _SavedTensor):
            return value.build()
        if isinstance(value, dict):
            return {build(key): build(item) for key, item in value.items()}
        if isinstance(value, list):
            return [build(item) for item in value]
        if isinstance(value, tuple):
            return tuple(build(item) for item in value)
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        raise UnsafePickleError(f"this pickle holds a {type(value).__name__}, which is not plain numeric data")

    return build(root)
