"""What every reader returns: arrays whose rows are read on demand, and the metadata of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from cgcore.data.npz import RowCheck, show
from cgcore.data.stored import Content, Rows
from cgcore.data.units import UNITS
from cgcore.errors import InputError

__all__ = ["REMEDY", "Content", "Opened", "Repeated", "Source", "once", "refuse", "without_forces"]

REMEDY = "copy or write it again."
"""The end of a complaint about a damaged file."""

_BLOCK = 2**14
"""Rows."""


@runtime_checkable
class Source(Protocol):
    """Frames of a file, its headers checked.

    Arguments:
        name: for messages, the path as it was given and the part of the file, if it has several.
        label: a short name among the sources of a data set.
        form: the name of the format.
        arrays: `R` and `F` (frames, beads, 3), perhaps `mask` and `species`.
        extras: other arrays under the keys of an NPZ (docs/data.md): `resname`, `resid`, `chain`, `box`, `temperature`.
        skipped_keys: what was not read.
        units: of the file, by its format or by what it says.
        notes: what a reader of the results should know, a sentence each.
        may_be_atoms: nothing in the format says that rows hold beads.
        atoms: what the file says of its atoms, where it holds atoms and not beads.
        contents: the files that hold it.
        part: of the file; empty where there is one part only.
    """

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def arrays(self) -> dict[str, Rows]: ...
    @property
    def extras(self) -> dict[str, np.ndarray]: ...
    @property
    def skipped_keys(self) -> tuple[str, ...]: ...
    @property
    def units(self) -> str: ...
    @property
    def notes(self) -> tuple[str, ...]: ...
    @property
    def may_be_atoms(self) -> bool: ...
    @property
    def atoms(self) -> Any: ...
    @property
    def contents(self) -> tuple[Content, ...]: ...
    @property
    def part(self) -> str: ...

    def read_one(self, key: str, check: RowCheck) -> None:
        """Show all rows of one array to `check`."""
        ...

    def read(self, checks: Mapping[str, RowCheck]) -> str:
        """Show all rows of the arrays to their checks; the SHA-256 of the content is returned."""
        ...


@dataclass(frozen=True, eq=False)
class Opened:
    """A `Source` whose arrays are read as rows, for all formats but NPZ; its fields are described there."""

    name: str
    label: str
    form: str
    arrays: dict[str, Rows]
    contents: tuple[Content, ...]
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    units: str = UNITS[0]
    part: str = ""
    notes: tuple[str, ...] = ()
    skipped_keys: tuple[str, ...] = ()
    may_be_atoms: bool = False
    atoms: Any = None

    def read_one(self, key: str, check: RowCheck) -> None:
        """Show all rows of one array to `check`.

        Raises:
            InputError: the file is damaged, changed, or cannot be read any more.
        """
        show(self.arrays[key], check)

    def read(self, checks: Mapping[str, RowCheck]) -> str:
        """Show all rows to their checks, and give the SHA-256 of the files and of the part.

        Raises:
            InputError: the file is damaged, changed, or cannot be read any more.
        """
        for key, check in checks.items():
            show(self.arrays[key], check)
        sums = [content.sha256 for content in self.contents] + ([self.part] if self.part else [])
        return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def refuse(path: Path | str, problem: str, remedy: str = REMEDY) -> InputError:
    """The error for a file that cannot be used."""
    return InputError(f"{path}: {problem}; {remedy}")


def once(rows: Rows) -> np.ndarray:
    """One row where all are equal, such as the box of a simulation at constant volume; else all of them.

    They are compared block by block, so that equal rows are never in memory together.
    """
    blocks = (slice(start, start + _BLOCK) for start in range(0, len(rows), _BLOCK))
    first = rows[:1]
    return first if all((rows[block] == first).all() for block in blocks) else rows[:]


class Repeated:
    """Collects rows of bytes, and holds one while all are equal."""

    def __init__(self) -> None:
        self._first, self._all, self._count = b"", bytearray(), 0

    def add(self, row: bytes) -> None:
        """The next row."""
        if self._count == 0:
            self._first = row
        elif not self._all and row != self._first:
            self._all = bytearray(self._first * self._count)
        if self._all:
            self._all += row
        self._count += 1

    def array(self, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """(1 or rows, *shape), one row where all are equal."""
        return np.frombuffer(bytes(self._all) or self._first, dtype).reshape(-1, *shape)


def without_forces(path: Path | str, form: str, remedy: str) -> InputError:
    """The error for a file that holds no forces."""
    return InputError(f"{path}: {form} holds no forces, so there is nothing to fit to; {remedy}")
