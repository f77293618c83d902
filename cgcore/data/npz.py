"""Frames in an NPZ archive: arrays stay in the file if possible, and are read once to be checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np

from cgcore.archive import Archive, Header, key_of, opened
from cgcore.data.blocks import row_blocks
from cgcore.data.chains import KEYS
from cgcore.data.checksums import PIECE, Checksums
from cgcore.data.layout import ONCE, check_layout, is_once
from cgcore.data.stored import Content, Rows, Stamp, StoredArray, file_stamp, opened_again, pieces, read_into
from cgcore.data.units import UNITS
from cgcore.errors import InputError

__all__ = ["FramesFile", "RowCheck", "StoredArray", "open_npz"]

NEEDED = ("R", "F", "mask", "species")
RAW = {"coords": "R", "Fs": "F"}
"""Keys of NPZ files written by projections of atoms, and the keys that they correspond to."""

_READ_AS = "keys " + ", ".join(f"{theirs!r} read as {ours!r}" for theirs, ours in RAW.items())

CONSTANT = ("mask", "species")
"""Arrays that may be constant and thus compress to almost nothing; their size is bounded by that of R."""

EXTRA_LIMIT, EXTRAS_LIMIT = 16 * 2**20, 64 * 2**20
"""Largest sizes [bytes] of one array that no computation needs, and of all such arrays of a file; larger ones are
skipped, since memory must not grow with the number of frames."""

STRUCTURE, STRUCTURE_LIMIT = (*KEYS, "box", "resname"), 2**30
"""Arrays that are needed to interpret positions, and the largest size of one [bytes]; they are never skipped."""

REMEDY = "copy or write it again."


@runtime_checkable
class RowCheck(Protocol):
    """Gets all rows of an array once, block by block, and keeps problems until the checksum has been verified."""

    def add(self, start: int, values: np.ndarray) -> None:
        """Check rows `start`, `start + 1`, ... as stored; they are valid only during the call and read-only."""
        ...


class Place(NamedTuple):
    """The place of a stored array in its file: the checksum covers bytes [first, last); rows begin at its offset."""

    key: str
    first: int
    last: int
    crc: int


@dataclass(frozen=True)
class FramesFile:
    """One NPZ file with checked directory and headers.

    Arguments:
        path: absolute path of the file.
        name: path of the file as given.
        arrays: those of NEEDED that exist; `read` must verify the checksums of the stored ones.
        extras: all other plain arrays.
        skipped_keys: object arrays, members that are not arrays, and extras above the limits.
        places: places of the stored arrays.
        stamp: stamp of the file when it was opened.
    """

    path: str
    name: str
    arrays: dict[str, Rows]
    extras: dict[str, np.ndarray]
    skipped_keys: tuple[str, ...]
    places: tuple[Place, ...]
    stamp: Stamp
    form: str = "NPZ"
    units: str = UNITS[0]
    notes: tuple[str, ...] = ()
    may_be_atoms: bool = False
    atoms: None = None

    part: str = ""

    @property
    def contents(self) -> tuple[Content, ...]:
        """The content of the file."""
        return (Content(self.path, self.stamp),)

    @property
    def label(self) -> str:
        """The file's name without its folder."""
        return os.path.basename(self.name)

    def read_one(self, key: str, check: RowCheck) -> None:
        """Pass all rows of one array to `check`, and verify their checksum.

        Raises:
            InputError: the file is damaged, was changed, or can no longer be read.
        """
        array = self.arrays[key]
        if isinstance(array, StoredArray):
            (place,) = (place for place in self.places if place.key == key)
            with opened_again(self.path, self.stamp) as file:
                file.seek(place.first)
                with Checksums(whole=False) as sums:
                    self._stream(file, place, array, check, sums)
        else:
            show(array, check)

    def read(self, checks: Mapping[str, RowCheck]) -> str:
        """Read the whole file, pass rows to the checks, and verify all checksums.

        Arguments:
            checks: checks by key; rows of other arrays are only hashed.

        Returns:
            The SHA-256 of the file.

        Raises:
            InputError: the file is damaged, was changed, or can no longer be read.
        """
        for key, check in checks.items():
            array = self.arrays[key]
            if not isinstance(array, StoredArray):
                show(array, check)
        with opened_again(self.path, self.stamp) as file, Checksums() as sums:
            for place in sorted(self.places, key=lambda place: place.first):
                array = self.arrays[place.key]
                assert isinstance(array, StoredArray)
                gap = place.first - file.tell()
                if gap < 0:
                    raise InputError(f"{self.path}: its arrays overlap; {REMEDY}")
                sums.add_all(pieces(file, gap, self.path))
                self._stream(file, place, array, checks.get(place.key), sums)
            sums.add_all(pieces(file, self.stamp.size - file.tell(), self.path))
            return sums.sha256()

    def _stream(
        self,
        file: FileIO,
        place: Place,
        array: StoredArray,
        check: RowCheck | None,
        sums: Checksums,
    ) -> None:
        """Read a member from its first to its last byte, and add all of them to the checksums."""
        sums.crc()  # resets the CRC
        sums.add_all(pieces(file, array.offset - place.first, self.path))
        row_bytes = array.row_bytes
        step = max(PIECE // row_bytes, 1)
        # Two alternating buffers: one is hashed while the other is filled and checked.
        buffers = [np.empty((min(step, len(array)), *array.shape[1:]), array.dtype) for _ in range(2)]
        hashed: list[Future[None] | None] = [None, None]
        for number, start in enumerate(range(0, len(array), step)):
            turn, n = number % 2, min(step, len(array) - start)
            if (before := hashed[turn]) is not None:
                before.result()
            piece = buffers[turn].reshape(-1).view(np.uint8)[: n * row_bytes].data
            read_into(file, piece, self.path)
            hashed[turn] = sums.add(piece)
            if check is not None:
                check.add(start, buffers[turn][:n])
        if sums.crc() != place.crc:
            raise InputError(f"{self.path}: key {place.key!r} is damaged (its checksum does not match); {REMEDY}")


def show(array: Rows, check: RowCheck) -> None:
    """Pass all rows of an array to a check, block by block."""
    for block in row_blocks(array.shape[0], array.shape[1]):
        check.add(block.start, array[block])


def open_npz(path: Path) -> FramesFile:
    """Open one NPZ file and check its declarations.

    Uncompressed members become a `StoredArray`; compressed, Fortran-ordered or byte-swapped ones are loaded, and their
    checksums verified.

    Raises:
        InputError: the file cannot be read, is not an archive, is damaged, or does not contain frames; or a needed
            array is an object array or too large to be loaded.
    """
    with opened(path, REMEDY) as archive:
        needed: dict[str, Header] = {}
        extras: dict[str, np.ndarray] = {}
        skipped: list[str] = []
        structure: list[Header] = []
        room = EXTRAS_LIMIT
        keys = {key_of(info) for info in archive.members}
        raw = RAW if set(RAW) <= keys and not set(RAW.values()) & keys else {}
        for info in archive.members:
            key, header = raw.get(key_of(info), key_of(info)), archive.header(info)
            if header is not None and header.dtype.hasobject and key in NEEDED:
                raise InputError(
                    f"{path}: key {key!r} is an object array, which is never unpickled; save plain numbers."
                )
            if header is not None and key in NEEDED:
                needed[key] = header
            elif header is not None and key in STRUCTURE and not header.dtype.hasobject:
                structure.append(header)
            elif info.file_size > min(EXTRA_LIMIT, room):
                skipped.append(key)
            elif header is None or header.dtype.hasobject:
                archive.skim(info)
                skipped.append(key)
            else:
                extras[key] = archive.load(header)
                room -= header.nbytes
        if not archive.members:
            raise archive.refuse("the archive is empty")
        extras |= _structure(archive, structure)
        check_layout(str(path), needed, extras)
        placed = _placed(archive, needed, extras, tuple(skipped))
        return replace(placed, may_be_atoms=True, notes=(f"{path}: {_READ_AS}",)) if raw else placed


def _structure(archive: Archive, headers: list[Header]) -> dict[str, np.ndarray]:
    """The arrays of `STRUCTURE`, which are never skipped."""
    for header in headers:
        if header.nbytes > STRUCTURE_LIMIT:
            raise InputError(
                f"{archive.path}: key {key_of(header.member)!r} is larger than {STRUCTURE_LIMIT // 2**20} MiB; save it "
                "once for all frames."
            )
    archive.require_loadable(headers, empty=STRUCTURE)
    return {key_of(header.member): archive.load(header) for header in headers}


def _placed(
    archive: Archive, needed: dict[str, Header], extras: dict[str, np.ndarray], skipped: tuple[str, ...]
) -> FramesFile:
    n_frames, n_beads = needed["R"].shape[:2]
    once = {
        key for key, h in needed.items() if key in ONCE and h.shape != (n_frames, n_beads) and is_once(h.shape, n_beads)
    }
    stays = {
        key
        for key, h in needed.items()
        if h.stored and not h.fortran and h.dtype.isnative and h.nbytes and key not in once
    }
    archive.require_loadable([h for key, h in needed.items() if key not in stays], empty=CONSTANT)
    arrays: dict[str, Rows] = {}
    places = []
    path, stamp = os.path.abspath(archive.path), file_stamp(archive.file)
    for key, header in needed.items():
        if key not in stays:
            loaded = archive.load(header)
            arrays[key] = np.broadcast_to(loaded, (n_frames, n_beads)) if key in once else loaded
            continue
        with archive.reading(key):
            offset = archive.data_offset(header)
        first = offset - header.header_bytes
        arrays[key] = StoredArray(path, offset, header.dtype, header.shape, stamp)
        places.append(Place(key, first, first + header.member.file_size, header.member.CRC))
    return FramesFile(path, str(archive.path), arrays, extras, skipped, tuple(places), stamp)
