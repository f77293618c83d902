"""HDF5: opening files, reading rows of datasets, and recognising the kind of file by its content."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.formats.opened import Content, Opened, refuse
from cgcore.data.stored import FileRows, Stamp, opened_again
from cgcore.errors import InputError

INSTALL = "install it with pip install 'cgcore[formats]'"


def h5py(path: Path | str) -> Any:
    """Import h5py, which reads HDF5.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise InputError(f"{path}: reading HDF5 needs h5py, which is not installed; {INSTALL}") from error


@contextmanager
def reading(path: Path | str) -> Iterator[Any]:
    """A context with an open file that reports any error as a damaged file.

    Raises:
        InputError: the file cannot be read, or is damaged.
    """
    try:
        with h5py(path).File(path, "r") as file:
            yield file
    except InputError:
        raise
    # h5py raises errors of the library as one of these; KeyError if a listed name cannot be opened.
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        problem = " ".join(str(error).split())[:120]
        raise refuse(path, f"the HDF5 file is truncated or damaged ({problem})") from error


@dataclass(frozen=True, eq=False)
class DatasetRows(FileRows):
    """Rows of a dataset.

    Arguments:
        path: path of the file.
        key: name of the dataset.
        stamp: stamp of the file when it was checked.
        dtype: dtype of the rows read, in native byte order.
        shape: shape of the dataset.
    """

    path: str
    key: str
    stamp: Stamp
    dtype: np.dtype
    shape: tuple[int, ...]

    @classmethod
    def of(cls, content: Content, dataset: Any) -> DatasetRows:
        """The rows of an open dataset.

        Raises:
            InputError: it is not a dataset, or does not contain numbers.
        """
        dtype = getattr(dataset, "dtype", None)
        if dtype is None or dtype.kind not in "iuf" or not dataset.shape:
            raise refuse(content.path, f"{dataset.name} holds no rows of numbers", "give a dataset of numbers")
        return cls(content.path, dataset.name, content.stamp, dtype.newbyteorder("="), tuple(dataset.shape))

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        out = np.empty((n_rows, *self.shape[1:]), self.dtype)
        done = 0
        with opened_again(self.path, self.stamp), reading(self.path) as file:
            dataset = file[self.key]
            for start, stop in runs:
                if stop > start and math.prod(out.shape):
                    dataset.read_direct(out, np.s_[start:stop], np.s_[done : done + stop - start])
                done += stop - start
        return out


def open_hdf5(path: Path) -> list[Opened]:
    """The sources in an HDF5 file of any known kind.

    Raises:
        InputError: the file is of no known kind, cannot be read, is damaged, or contains no forces.
    """
    from cgcore.data.formats import amber_hdf5, h5md, mdcath, mlcg

    content = Content.at(path)
    with reading(path) as file:
        for kind in (h5md, mdcath, mlcg, amber_hdf5):
            if (opened := kind.open_kind(path, content, file)) is not None:
                return opened
    raise refuse(
        path,
        "is an HDF5 file of an unknown kind (known are H5MD, mdCATH, mlcg and AMBER)",
        "save positions and forces under R and F in an NPZ",
    )


def text(value: Any) -> str:
    """The text of an attribute or a scalar dataset."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_group(item: Any) -> bool:
    """Whether an item is a group and not a dataset."""
    return hasattr(item, "keys")
