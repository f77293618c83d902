"""An array that stays in its file: only the rows that are asked for are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, TypeAlias

import numpy as np

from cgcore.errors import InputError


def file_stamp(file: BinaryIO) -> tuple[int, int]:
    """Size and modification time of an open file: enough to see that it changed after it was checked."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


@dataclass(frozen=True)
class StoredArray:
    """C-ordered rows of native byte order at a fixed place of a file.

    Rows are read, not mapped: pages of a mapped file count as resident memory, and would grow with the frames
    seen. The file is opened anew for each read, so an instance holds no descriptor, can be pickled and used
    by threads.
    """

    path: str
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    stamp: tuple[int, int]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """The rows of a slice or of an integer or boolean array, as a new array.

        Raises IndexError for rows out of range, InputError when the file is gone or changed since it was
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
        """The rows of an index array (any order; sorted is fastest, as neighbours are read together)."""
        rows = _row_numbers(rows, len(self))
        cuts = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        runs = [(int(rows[a]), int(rows[a]) + b - a) for a, b in pairwise(cuts) if b > a]
        return self._read(runs, len(rows))

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        out = np.empty((n_rows, *self.shape[1:]), self.dtype)
        bytes_out = out.reshape(-1).view(np.uint8)
        row_bytes = out.itemsize * int(np.prod(self.shape[1:]))
        done = 0
        try:
            with open(self.path, "rb") as file:
                if file_stamp(file) != self.stamp:
                    raise InputError(f"{self.path}: the file changed after it was checked; read it again.")
                for start, stop in runs:
                    file.seek(self.offset + start * row_bytes)
                    piece = bytes_out[done : done + (stop - start) * row_bytes]
                    if file.readinto(piece.data) != piece.size:
                        raise InputError(f"{self.path}: the file ends too early; copy or write it again.")
                    done += piece.size
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read any more ({error.strerror or error}).") from error
        return out


Rows: TypeAlias = np.ndarray | StoredArray
"""Something with `dtype`, `shape` and rows: in memory or in its file."""


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
