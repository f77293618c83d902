"""Arrays that stay in their file: only requested rows are read."""

from __future__ import annotations

import hashlib
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from io import BufferedReader, FileIO
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

import numpy as np

from cgcore.errors import InputError
from cgcore.files import open_regular


class Stamp(NamedTuple):
    """Size and modification time of a file, to detect changes after it was checked."""

    size: int
    modified_ns: int


def file_stamp(file: BinaryIO | FileIO) -> Stamp:
    """The stamp of an open file."""
    status = os.fstat(file.fileno())
    return Stamp(status.st_size, status.st_mtime_ns)


@contextmanager
def opened_again(path: str, stamp: Stamp) -> Iterator[FileIO]:
    """Open a file unbuffered, if it has not changed since it was checked.

    Raises InputError if it no longer exists, has changed, or cannot be read.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            if file_stamp(file) != stamp:
                raise InputError(f"{path}: the file changed after it was checked; read it again.")
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read any more ({error.strerror or error}).") from error


def pieces(file: FileIO, size: int, path: str, most: int = 2**20) -> Iterator[memoryview]:
    """The next `size` bytes of an unbuffered file, in pieces that are valid until the next one.

    Raises InputError if the file ends before that.
    """
    buffer = memoryview(bytearray(min(size, most)))
    while size > 0:
        piece = buffer[: min(size, most)]
        read_into(file, piece, path)
        yield piece
        size -= len(piece)


def read_into(file: FileIO, piece: memoryview, path: str) -> None:
    """Fill a piece of memory from an unbuffered file.

    Raises InputError if the file ends before that.
    """
    done = 0
    while done < len(piece):
        n = file.readinto(piece[done:])
        if not n:
            raise InputError(f"{path}: the file ends too early; copy or write it again.")
        done += n


@dataclass(frozen=True)
class Content:
    """The content of a file at the time when it was opened."""

    path: str
    stamp: Stamp

    @classmethod
    def of(cls, path: Path, file: BufferedReader) -> Content:
        """The content of an open file."""
        return cls(os.path.abspath(path), file_stamp(file))

    @classmethod
    def at(cls, path: Path) -> Content:
        """The content of a regular file.

        Raises:
            InputError: the file does not exist, or is not a regular file.
        """
        with open_regular(path) as file:
            return cls.of(path, file)

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of all bytes.

        Raises:
            InputError: the file was changed, or can no longer be read.
        """
        digest = hashlib.sha256()
        with opened_again(self.path, self.stamp) as file:
            for piece in pieces(file, self.stamp.size, self.path):
                digest.update(piece)
        return digest.hexdigest()


class FileRows(ABC):
    """Rows that stay in their file: only requested ones are read.

    Rows are read and not memory-mapped: pages of a mapped file count as resident memory, which would grow with the
    number of frames read. The file is opened for each read, so that an instance holds no descriptor, can be pickled,
    and can be used by several threads.
    """

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def file(self) -> str:
        """Path of the file; empty if unknown."""
        return getattr(self, "path", "")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """The rows of a slice or of an integer or boolean array, as a new array.

        Raises IndexError for rows out of range, InputError if the file no longer exists or has changed since it was
        checked.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                runs = [(start, max(start, stop))]
                return self._read(runs, runs[0][1] - start)
            rows = np.arange(start, stop, step)
        return self.take(rows)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The rows of an index array, in any order; sorted is fastest, since adjacent rows are read together."""
        rows = _row_numbers(rows, len(self))
        cuts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        runs = [(int(rows[a]), int(rows[a]) + b - a) for a, b in pairwise(cuts) if b > a]
        return self._read(runs, len(rows))

    def alone(self, rows: np.ndarray) -> FileRows:
        """The rows of an index array without data about other rows: they stay in the file, and the object is small."""
        first = int(rows[0])
        run = range(first, first + len(rows))
        return SelectedRows(self, run if np.array_equal(rows, run) else rows)

    @abstractmethod
    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        """The rows of these runs [start, stop), `n_rows` in total, as a new array in native byte order."""


@dataclass(frozen=True)
class StoredArray(FileRows):
    """C-ordered rows in native byte order at a fixed place in a file."""

    path: str
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    stamp: Stamp

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape[1:])

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        out = np.empty((n_rows, *self.shape[1:]), self.dtype)
        bytes_out = out.reshape(-1).view(np.uint8)
        done = 0
        with opened_again(self.path, self.stamp) as file:
            for start, stop in runs:
                file.seek(self.offset + start * self.row_bytes)
                piece = bytes_out[done : done + (stop - start) * self.row_bytes]
                read_into(file, piece.data, self.path)
                done += piece.size
        return out


SPAN = 4
"""Rows separated by other data are read together with these if they make up at least 1/`SPAN` of the bytes, or are less
than a `PAGE` apart."""

PAGE = 4096
"""Number of bytes that the system reads at once in any case."""


@dataclass(frozen=True, eq=False)
class ScatteredArray(FileRows):
    """Rows of equal size at arbitrary places, as in files with one frame after another.

    Arguments:
        path: path of the file.
        offsets: first byte of each row, (rows,) int64.
        stored: dtype in the file, in any byte order.
        shape: shape of all rows together.
        stamp: stamp of the file when it was checked.
        factor: factor by which stored numbers are multiplied.
    """

    path: str
    offsets: np.ndarray
    stored: np.dtype
    shape: tuple[int, ...]
    stamp: Stamp
    factor: float = 1.0

    @property
    def dtype(self) -> np.dtype:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Dtype of the rows read, in native byte order."""
        return self.stored.newbyteorder("=")

    def alone(self, rows: np.ndarray) -> FileRows:
        """See `FileRows`."""
        return replace(self, offsets=self.offsets[rows], shape=(len(rows), *self.shape[1:]))

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        out = np.empty((n_rows, *self.shape[1:]), self.dtype)
        size, done = self.stored.itemsize * math.prod(self.shape[1:]), 0
        with opened_again(self.path, self.stamp) as file:
            for start, stop in runs:
                for first, last in self._pieces(start, stop, size):
                    places = self.offsets[first:last] - self.offsets[first]
                    buffer = bytearray(int(places[-1]) + size)
                    file.seek(int(self.offsets[first]))
                    read_into(file, memoryview(buffer), self.path)
                    stride = int(places[1]) if len(places) > 1 else size
                    strides = (stride, *np.empty(self.shape[1:], self.stored).strides)
                    rows = np.ndarray((last - first, *self.shape[1:]), self.stored, buffer, strides=strides)
                    out[done : done + last - first] = rows
                    done += last - first
        return out if self.factor == 1.0 else out * out.dtype.type(self.factor)

    def _pieces(self, start: int, stop: int, size: int) -> Iterator[tuple[int, int]]:
        """Ranges [first, last) of rows to read at once: evenly spaced, close together, and of bounded total size."""
        steps = np.diff(self.offsets[start:stop])
        while start < stop:
            near = size <= (step := int(steps[0]) if len(steps) else 0) <= max(SPAN * size, PAGE)
            most = min(stop - start, max(1, PIECE_BYTES // step)) if near else 1
            same = int(np.argmin(np.append(steps[: most - 1] == step, False))) + 1
            yield start, start + same
            start, steps = start + same, steps[same:]


@dataclass(frozen=True, eq=False)
class SelectedRows(FileRows):
    """Some rows of another array: `rows` are their numbers, (rows,) int64 or a range."""

    base: FileRows
    rows: np.ndarray | range

    @property
    def file(self) -> str:
        """Path of the other array's file."""
        return self.base.file

    @property
    def dtype(self) -> np.dtype:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Dtype of the other array."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Shape of the other array, except for the number of rows."""
        return (len(self.rows), *self.base.shape[1:])

    def alone(self, rows: np.ndarray) -> FileRows:
        """See `FileRows`."""
        return self.base.alone(np.asarray(self.rows, np.int64)[rows])

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        return self.base.take(
            np.concatenate([np.asarray(self.rows[a:b], np.int64) for a, b in runs] or [np.zeros(0, np.int64)])
        )


PIECE_BYTES = 2**22
"""Largest number of bytes of scattered rows, with everything between them, that are read at once."""

Rows: TypeAlias = np.ndarray | FileRows
"""An array with `dtype`, `shape` and rows, in memory or in its file."""


def _row_numbers(rows: np.ndarray, n_rows: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.dtype == np.bool_:
        if rows.shape != (n_rows,):
            raise IndexError(f"a boolean index needs {n_rows} entries, got shape {rows.shape}")
        return np.flatnonzero(rows)
    if rows.size == 0:
        return np.zeros(0, np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise IndexError(f"rows need a one-dimensional integer index, got {rows.dtype} of shape {rows.shape}")
    rows = rows.astype(np.int64)
    if rows.min() < -n_rows or rows.max() >= n_rows:
        raise IndexError(f"row {rows.max()} or {rows.min()} is out of range for {n_rows} rows")
    return np.where(rows < 0, rows + n_rows, rows)
