"""The result of every reader: arrays whose rows are read on demand, and metadata."""

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
"""What to do about a damaged file; ends the message."""

_BLOCK = 2**14
"""Number of rows compared at a time."""


@runtime_checkable
class Source(Protocol):
    """The frames of a file whose headers have been checked.

    Arguments:
        name: name for messages: the path as given, and the part of the file if it has several.
        label: short name of the source within a data set.
        form: name of the format.
        arrays: `R` and `F` (frames, beads, 3), optionally `mask` and `species`.
        extras: other arrays under the keys of an NPZ (docs/data.md): `resname`, `resid`, `chain`, `box`, `temperature`.
        skipped_keys: keys that were not read.
        units: units of the file, as stated or implied by the format.
        notes: information for users, one sentence each.
        may_be_atoms: whether the format does not tell if rows hold beads or atoms.
        atoms: what the file states about its atoms, if it contains atoms and not beads.
        contents: the files that the source is read from.
        part: name of the part of the file; empty if there is only one.
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
        """Pass all rows of one array to `check`."""
        ...

    def read(self, checks: Mapping[str, RowCheck]) -> str:
        """Pass all rows of the arrays to their checks, and return the SHA-256 of the content."""
        ...


@dataclass(frozen=True, eq=False)
class Opened:
    """A `Source` for all formats but NPZ; its fields are described there."""

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
        """Pass all rows of one array to `check`.

        Raises:
            InputError: the file is damaged, was changed, or can no longer be read.
        """
        show(self.arrays[key], check)

    def read(self, checks: Mapping[str, RowCheck]) -> str:
        """Pass all rows to their checks, and return a SHA-256 of the files and the name of the part.

        Raises:
            InputError: the file is damaged, was changed, or can no longer be read.
        """
        for key, check in checks.items():
            show(self.arrays[key], check)
        sums = [content.sha256 for content in self.contents] + ([self.part] if self.part else [])
        return sums[0] if len(sums) == 1 else hashlib.sha256("\n".join(sums).encode()).hexdigest()


def refuse(path: Path | str, problem: str, remedy: str = REMEDY) -> InputError:
    """The error for a file that cannot be used."""
    return InputError(f"{path}: {problem}; {remedy}")


def once(rows: Rows) -> np.ndarray:
    """A single row if all are equal, such as the box of a simulation at constant volume; else all rows.

    Rows are compared block by block, so that equal rows are not in memory together.
    """
    blocks = (slice(start, start + _BLOCK) for start in range(0, len(rows), _BLOCK))
    first = rows[:1]
    return first if all((rows[block] == first).all() for block in blocks) else rows[:]


class Repeated:
    """Collects rows of bytes, and keeps only one as long as all are equal."""

    def __init__(self) -> None:
        self._first, self._all, self._count = b"", bytearray(), 0

    def add(self, row: bytes) -> None:
        """Add a row."""
        if self._count == 0:
            self._first = row
        elif not self._all and row != self._first:
            self._all = bytearray(self._first * self._count)
        if self._all:
            self._all += row
        self._count += 1

    def array(self, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """The rows as an array (1 or rows, *shape), with a single row if all are equal."""
        return np.frombuffer(bytes(self._all) or self._first, dtype).reshape(-1, *shape)


def without_forces(path: Path | str, form: str, remedy: str) -> InputError:
    """The error for a file that contains no forces."""
    return InputError(f"{path}: {form} holds no forces, so there is nothing to fit to; {remedy}")
