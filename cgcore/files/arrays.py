"""Arrays in an NPZ: declared fields, written completely or not at all, with an optional checksum."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cgcore.files.writing import atomic_write

CHECKSUM = "checksum"
"""Key of the checksum of the other arrays."""

DTYPES: dict[str, type[np.generic]] = {"U": np.str_, "i": np.int64, "f": np.float64}


@dataclass(frozen=True)
class Field:
    """The declaration of an array in a file.

    Arguments:
        name: key of the array.
        kind: type of its values: "U" text, "i" int64, "f" float64.
        axes: names of its axes; axes with the same name have the same length in all arrays.
        of: extracts the array from the object to store.
    """

    name: str
    kind: str
    axes: tuple[str, ...]
    of: Callable[[Any], Any]

    def array(self, stored: Any) -> np.ndarray:
        return np.asarray(self.of(stored), DTYPES[self.kind])

    def check(self, array: np.ndarray, lengths: dict[str, int]) -> None:
        """Refuse an array with a wrong dtype or shape, or with a number that is not finite.

        `lengths` holds the known lengths of axes; those of new axes are added.

        Raises:
            ValueError: the array is invalid; the message says how.
        """
        expected = "text" if self.kind == "U" else np.dtype(DTYPES[self.kind])
        if (array.dtype.kind != "U") if self.kind == "U" else (array.dtype != expected):
            raise ValueError(f"{self.name} has dtype {array.dtype}, not {expected}")
        if array.ndim != len(self.axes):
            raise ValueError(f"{self.name} has shape {array.shape}, not ({', '.join(self.axes)})")
        for axis, length in zip(self.axes, array.shape, strict=True):
            if lengths.setdefault(axis, length) != length:
                raise ValueError(f"{self.name} has shape {array.shape}; {axis} is {lengths[axis]}")
        if self.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{self.name} is not finite")


def checksum(arrays: Mapping[str, np.ndarray], names: Iterable[str]) -> str:
    """SHA-256 of the names, dtypes, shapes and contents of the arrays in `names`, in that order."""
    digest = hashlib.sha256()
    for name in names:
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], summed: Iterable[str] | None = None
) -> None:
    """Write arrays to a file, completely or not at all.

    Arguments:
        path: the file to write.
        arrays: arrays by key.
        summed: keys of the arrays in the `checksum`, in order; None for no checksum.

    Raises:
        InputError: the file cannot be written.
    """
    everything: dict[str, Any] = dict(arrays)
    if summed is not None:
        everything[CHECKSUM] = np.array(checksum(arrays, summed))
    buffer = io.BytesIO()
    np.savez(buffer, **everything)
    atomic_write(path, buffer.getvalue())
