"""Arrays in an NPZ: written whole or not at all, declared, and with a checksum where a change has to be noticed."""

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
"""Key of the checksum of all others."""

DTYPES: dict[str, type[np.generic]] = {"U": np.str_, "i": np.int64, "f": np.float64}


@dataclass(frozen=True)
class Field:
    """An array of a file.

    Arguments:
        name: its key.
        kind: what it holds: "U" text, "i" int64, "f" float64.
        axes: names of its axes; axes of one name are of one length in all arrays.
        of: takes it from what is stored.
    """

    name: str
    kind: str
    axes: tuple[str, ...]
    of: Callable[[Any], Any]

    def array(self, stored: Any) -> np.ndarray:
        return np.asarray(self.of(stored), DTYPES[self.kind])

    def check(self, array: np.ndarray, lengths: dict[str, int]) -> None:
        """Refuse an array of another dtype or shape, or with a number that is not finite; `lengths` are those of the
        axes that are known, and gets the others.

        Raises:
            ValueError: says what is wrong.
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
    """SHA-256 of names, dtypes, shapes and contents of arrays: of these names, in their order."""
    digest = hashlib.sha256()
    for name in names:
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], summed: Iterable[str] | None = None
) -> None:
    """Write arrays into a file, all or nothing.

    Arguments:
        path: the file to write.
        arrays: by their keys.
        summed: keys of which a `checksum` is written, too, in its order; None: there is none.

    Raises:
        InputError: the file cannot be written.
    """
    everything: dict[str, Any] = dict(arrays)
    if summed is not None:
        everything[CHECKSUM] = np.array(checksum(arrays, summed))
    buffer = io.BytesIO()
    np.savez(buffer, **everything)
    atomic_write(path, buffer.getvalue())
