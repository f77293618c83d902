"""AMBER NetCDF trajectories: positions [Å] and forces [kcal/mol/Å], by AMBER's conventions.

This reads the classic format (versions 1, 2 and 5). Its header lists dimensions, attributes and variables; the records
after it hold the rows of variables along the unlimited dimension. See "The NetCDF Classic Format Specification" of
Unidata and "Amber NetCDF Trajectory/Restart Convention Version 1.0, Revision C".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cgcore.data.formats.opened import Content, Opened, once, refuse, without_forces
from cgcore.data.stored import FileRows, ScatteredArray
from cgcore.data.units import UNITS, units_said
from cgcore.errors import InputError
from cgcore.files import open_regular

NAME = "AMBER NetCDF"
WRITE_FORCES = "write them into the same file with ntwf=-1 in &cntrl"

_TYPES = {1: "i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8", 7: "u1", 8: ">u2", 9: ">u4", 10: ">i8", 11: ">u8"}
_MOST_HEADER = 2**20
"""Largest size of a header [bytes]."""


class Variable(NamedTuple):
    """A variable of the file: names of its dimensions, attributes, and place of its first number."""

    dims: tuple[str, ...]
    attributes: dict[str, Any]
    dtype: np.dtype
    begin: int


BESIDE = ("cell_lengths", "cell_angles", "temp0")
"""Variables with the box and the temperature."""


class Header(NamedTuple):
    """The header of a file; the length of the unlimited dimension is the number of records."""

    dims: dict[str, int]
    unlimited: str | None
    attributes: dict[str, Any]
    variables: dict[str, Variable]
    record_bytes: int


def open_netcdf(path: Path) -> list[Opened]:
    """The frames of an AMBER trajectory.

    Raises:
        InputError: the file cannot be read, is damaged, is not a trajectory, or contains no forces.
    """
    with open_regular(path) as file:
        content = Content.of(path, file)
        header = _Reader(path, file, content.stamp.size).header()
    reader = _Variables(path, content, header)
    if "coordinates" not in header.variables and "forces" not in header.variables:
        raise refuse(path, "is a NetCDF file without `coordinates`", "give a trajectory in AMBER's conventions")
    if "forces" not in header.variables:
        raise without_forces(path, "this NetCDF trajectory", WRITE_FORCES)
    if "coordinates" not in header.variables:
        raise InputError(f"{path}: holds forces but no positions; {WRITE_FORCES}")
    R, F = reader.rows("coordinates"), reader.rows("forces")
    if len(R.shape) != 3 or R.shape != F.shape:
        raise refuse(path, f"has positions of shape {R.shape} and forces of {F.shape}")
    said = [header.variables[key].attributes.get("units") for key in ("coordinates", "forces")]
    words = [None if one is None else _text(one) for one in said]
    return amber_trajectory(
        path, content, R, F, words, {key: reader.rows(key) for key in BESIDE if key in header.variables}
    )


def amber_trajectory(
    path: Path, content: Content, R: FileRows, F: FileRows, said: Sequence[str | None], beside: Mapping[str, FileRows]
) -> list[Opened]:
    """The single source of a trajectory in AMBER's conventions, in NetCDF or HDF5.

    Arguments:
        path: path of the file.
        content: content of the file.
        R: positions.
        F: forces.
        said: stated units of positions and forces.
        beside: those of `BESIDE` that exist.

    Raises:
        InputError: the units are unknown.
    """
    try:
        units = units_said(*said)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    extras = {}
    if "cell_lengths" in beside and "cell_angles" in beside:
        extras["box"] = _box(beside["cell_lengths"], beside["cell_angles"])
    if "temp0" in beside:
        extras["temperature"] = once(beside["temp0"])
    return [
        Opened(
            name=str(path),
            label=path.name,
            form=NAME,
            arrays={"R": R, "F": F},
            contents=(content,),
            extras=extras,
            units=units or UNITS[0],
            may_be_atoms=True,
        )
    ]


def _box(lengths: FileRows, angles: FileRows) -> np.ndarray:
    """Three lengths and three angles of the box, (1 or frames, 6)."""
    parts = [once(lengths), once(angles)]
    n_rows = max(map(len, parts))
    return np.concatenate([np.broadcast_to(part, (n_rows, 3)) for part in parts], axis=1)


class _Variables:
    """Gives the rows of variables, after checking their places against the size of the file."""

    def __init__(self, path: Path, content: Content, header: Header) -> None:
        self.path, self.content, self.header = path, content, header

    def rows(self, key: str) -> ScatteredArray:
        """The rows of a variable along its first dimension."""
        variable = self.header.variables[key]
        shape = tuple(self.header.dims[name] for name in variable.dims)
        row_bytes = variable.dtype.itemsize * math.prod(shape[1:])
        recorded = bool(variable.dims) and variable.dims[0] == self.header.unlimited
        stride = self.header.record_bytes if recorded else row_bytes
        if not shape or variable.dtype.kind not in "fiu":
            raise refuse(self.path, f"the variable `{key}` holds no rows of numbers")
        if shape[0] and variable.begin + (shape[0] - 1) * stride + row_bytes > self.content.stamp.size:
            raise refuse(self.path, f"the file ends before the last of its {shape[0]} frames")
        factor = variable.attributes.get("scale_factor", 1.0)
        factor = float(np.asarray(factor).reshape(-1)[0]) if not isinstance(factor, bytes) else 1.0
        offsets = variable.begin + stride * np.arange(shape[0], dtype=np.int64)
        return ScatteredArray(self.content.path, offsets, variable.dtype, shape, self.content.stamp, factor)


class _Reader:
    """Reads the header of a classic file."""

    def __init__(self, path: Path, file: BufferedReader, size: int) -> None:
        self.path, self.size = path, size
        self.raw, self.at = file.read(_MOST_HEADER), 4
        self.version = self.raw[3] if self.raw[:3] == b"CDF" and len(self.raw) > 3 else 0
        if self.version not in (1, 2, 5):
            raise refuse(path, "is not a NetCDF file of the classic formats (1, 2 or 5)")

    def header(self) -> Header:
        """Read the header."""
        try:
            return self._header()
        except (struct.error, ValueError, KeyError, IndexError, OverflowError) as error:
            raise refuse(self.path, "the header is truncated or damaged") from error

    def _header(self) -> Header:
        counted = self._count()
        dims, unlimited = {}, None
        names = []
        for _ in range(self._list(0xA)):
            name, length = self._name(), self._count()
            names.append(name)
            dims[name] = length
            if length == 0:
                unlimited = name
        attributes = self._attributes()
        variables, recorded = {}, []
        for _ in range(self._list(0xB)):
            name = self._name()
            own = tuple(names[self._count()] for _ in range(self._count()))
            said = self._attributes()
            dtype = np.dtype(_TYPES[self._int()])
            self._count()  # bytes of a record, which also follow from the dimensions
            begin = self._number(">i4" if self.version == 1 else ">i8")
            variables[name] = Variable(own, said, dtype, begin)
            if own and own[0] == unlimited:
                recorded.append(dtype.itemsize * math.prod(dims[d] for d in own[1:]))
        # If only one variable has records, they are not padded to four bytes.
        record = recorded[0] if len(recorded) == 1 else sum(-(-n // 4) * 4 for n in recorded)
        if unlimited is not None:
            begins = [v.begin for v in variables.values() if v.dims and v.dims[0] == unlimited]
            streamed = counted in (2**32 - 1, 2**64 - 1)
            dims[unlimited] = (self.size - min(begins)) // record if streamed and begins and record else counted
        if min(dims.values(), default=0) < 0 or any(v.begin < 0 for v in variables.values()):
            raise ValueError
        return Header(dims, unlimited, attributes, variables, record)

    def _number(self, dtype: str) -> int:
        value = np.frombuffer(self.raw, dtype, 1, self.at)
        self.at += value.itemsize
        return int(value[0])

    def _int(self) -> int:
        return self._number(">u4")

    def _count(self) -> int:
        return self._number(">u8" if self.version == 5 else ">u4")

    def _list(self, tag: int) -> int:
        found, n = self._int(), self._count()
        if found not in (0, tag) or (found == 0 and n) or n > 10_000:
            raise ValueError
        return n

    def _bytes(self, n: int) -> bytes:
        if n > len(self.raw) - self.at:
            raise ValueError
        taken = self.raw[self.at : self.at + n]
        self.at += -(-n // 4) * 4
        return taken

    def _name(self) -> str:
        return self._bytes(self._count()).decode()

    def _attributes(self) -> dict[str, Any]:
        found = {}
        for _ in range(self._list(0xC)):
            name, dtype = self._name(), np.dtype(_TYPES[self._int()])
            raw = self._bytes(self._count() * dtype.itemsize)
            found[name] = raw if dtype.kind == "S" else np.frombuffer(raw, dtype)
        return found


def _text(words: Any) -> str:
    return words.decode("ascii", "replace").strip("\0 ") if isinstance(words, bytes) else str(words)
