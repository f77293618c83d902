"""Reading NPZ archives from untrusted sources.

Sizes that an archive declares are checked against the size of its file before memory is allocated; every defect is
reported as one sentence. Nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.files import open_regular

LOADED_LIMIT = 4 * 2**30
"""Largest total size [bytes] of the arrays of a file that are held in memory; uncompressed frames stay in the file."""

RATIO_LIMIT, RATIO_FREE = 50, 64 * 2**20
"""A compressed array of more than `RATIO_FREE` bytes may be at most `RATIO_LIMIT` times as large as its compressed
form. Positions and forces shrink by a tenth; only arrays of constant values shrink more than this."""

MOST_MEMBERS = 10_000
MOST_JSON = 100_000
"""Largest number of characters of a JSON text inside an archive."""

_DEFLATE_RATIO, _DEFLATE_START = 1032, 1024
"""Bound on the expansion of a deflated stream: a ratio (258 bytes from 2 bits), apart from an allowance in bytes for
short streams."""

_ENCRYPTED = 0x1 | 0x40
_NPY_VERSIONS = {(1, 0), (2, 0), (3, 0)}


class Header(NamedTuple):
    """The header of an array in an archive; the size of its member has been checked against it."""

    member: zipfile.ZipInfo
    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    header_bytes: int

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def stored(self) -> bool:
        """Whether its bytes are in the file uncompressed."""
        return self.member.compress_type == zipfile.ZIP_STORED


@dataclass(frozen=True)
class Archive:
    """An open archive whose directory has been checked.

    Arguments:
        path: path of the file.
        file: the open file.
        zip: the same file as a `ZipFile`.
        remedy: what to do about a damaged archive; ends the sentence of an error.
    """

    path: Path
    file: BinaryIO
    zip: zipfile.ZipFile
    remedy: str

    @property
    def members(self) -> list[zipfile.ZipInfo]:
        return [info for info in self.zip.infolist() if not info.is_dir()]

    def refuse(self, problem: str) -> InputError:
        return InputError(f"{self.path}: {problem}; {self.remedy}")

    @contextmanager
    def reading(self, key: str) -> Iterator[None]:
        """A context that reports any error as a damaged array."""
        try:
            yield
        except InputError:
            raise
        # For damaged bytes, zipfile, the decompressors and the header parser each raise errors of their own.
        except (Exception, RecursionError) as error:
            problem = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise self.refuse(f"key {key!r} is damaged ({problem})") from error

    def header(self, info: zipfile.ZipInfo) -> Header | None:
        """The header of a member; None if it is not an NPY file.

        Raises:
            InputError: it is damaged, or it declares a size that differs from its member's.
        """
        key = key_of(info)
        with self.reading(key), self.zip.open(info) as member:  # `open` checks the name against the local header
            if not info.filename.endswith(".npy"):
                return None
            version = np.lib.format.read_magic(member)
            if version not in _NPY_VERSIONS:
                raise ValueError(f"format version {version}")
            one = version == (1, 0)
            read = np.lib.format.read_array_header_1_0 if one else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(member)
            if any(isinstance(n, bool) or n < 0 for n in shape):
                raise ValueError(f"shape {shape}")
            header = Header(info, dtype, shape, fortran, member.tell())
        if not dtype.hasobject and header.header_bytes + header.nbytes != info.file_size:
            raise self.refuse(f"key {key!r} does not have the size its header says")
        return header

    def load(self, header: Header) -> np.ndarray:
        """Load a whole array and verify its checksum. Its size has been checked: see `require_loadable`."""
        with self.reading(key_of(header.member)), self.zip.open(header.member) as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
            if member.read(1):
                raise ValueError("extra bytes after its end")
            return array

    def skim(self, info: zipfile.ZipInfo) -> None:
        """Verify the checksum of a member without keeping it."""
        with self.reading(key_of(info)), self.zip.open(info) as member:
            while member.read(2**20):
                pass

    def require_loadable(self, headers: list[Header], *, empty: tuple[str, ...] = ()) -> None:
        """Refuse arrays that are too large, before memory is allocated for them.

        Arrays named in `empty` may be constant and are exempt from `RATIO_LIMIT`.

        Raises:
            InputError: together they are larger than `LOADED_LIMIT`, or one is compressed more than real data can be.
        """
        for header in headers:
            size, packed, key = header.nbytes, header.member.compress_size, key_of(header.member)
            if size > RATIO_FREE and size > RATIO_LIMIT * packed and key not in empty:
                raise InputError(
                    f"{self.path}: key {key!r} unpacks to {_bytes(size)} from {_bytes(packed)}, more than "
                    f"{RATIO_LIMIT} times its packed size, as no real data do; write it with numpy.savez."
                )
        total = sum(header.nbytes for header in headers)
        if total > LOADED_LIMIT:
            raise InputError(
                f"{self.path}: its compressed or reordered arrays take {_bytes(total)} of memory, and "
                f"{_bytes(LOADED_LIMIT)} are allowed; write it with numpy.savez, which can be read piece by piece."
            )

    def data_offset(self, header: Header) -> int:
        """Where the numbers of a stored array start: after the member's local header and the NPY header."""
        self.file.seek(header.member.header_offset)
        name_bytes, extra_bytes = struct.unpack("<26xHH", self.file.read(30))
        return header.member.header_offset + 30 + name_bytes + extra_bytes + header.header_bytes


@contextmanager
def opened(path: str | os.PathLike[str], remedy: str) -> Iterator[Archive]:
    """Open an archive and check its directory.

    Raises:
        InputError: the file does not exist, cannot be read, is not an NPZ archive, or has a damaged directory.
    """
    path = Path(path)
    try:
        with open_regular(path, remedy) as file, _zip(path, file, remedy) as archive:
            _check_directory(path, file, archive, remedy)
            yield Archive(path, file, archive, remedy)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from error


def load_arrays(
    path: str | os.PathLike[str], remedy: str, known: Callable[[str], bool] = lambda key: True
) -> dict[str, np.ndarray]:
    """All arrays of a small archive written by cgcore; checksums are verified.

    Arguments:
        path: path of the file.
        remedy: what to do about an unusable file; ends the sentence of an error.
        known: whether a key is allowed.

    Raises:
        InputError: as `opened`, or a member is not an array of plain values, unknown, damaged, or too large.
    """
    with opened(path, remedy) as archive:
        headers: dict[str, Header] = {}
        for info in archive.members:
            key = key_of(info)
            if not info.filename.endswith(".npy") or not known(key):
                raise archive.refuse(f"key {key!r} is not expected here")
            header = archive.header(info)
            if header is None or header.dtype.hasobject:
                raise archive.refuse(f"key {key!r} is not an array of plain values, and nothing is unpickled")
            headers[key] = header
        archive.require_loadable(list(headers.values()))
        return {key: archive.load(header) for key, header in headers.items()}


def load_text(path: str | os.PathLike[str], key: str) -> str | None:
    """The text that an archive holds under a key; None if there is none or the archive cannot be read."""
    try:
        with opened(path, "") as archive:
            for info in archive.members:
                header = archive.header(info) if info.filename == f"{key}.npy" else None
                if header is not None and header.dtype.kind == "U" and header.nbytes <= MOST_JSON:
                    return str(archive.load(header))
    except InputError:
        pass
    return None


def parse_json(text: np.ndarray | str) -> Any:
    """The value of a JSON text in an archive.

    Raises:
        ValueError: it is not JSON, is longer than `MOST_JSON`, is nested too deeply, or holds NaN or Infinity.
    """
    text = str(text)
    if len(text) > MOST_JSON:
        raise ValueError(f"a JSON text has {len(text)} characters")

    def refuse(constant: str) -> float:
        raise ValueError(f"it holds {constant}")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("a JSON text is nested too deeply") from error


def key_of(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix(".npy")


def _zip(path: Path, file: BinaryIO, remedy: str) -> zipfile.ZipFile:
    magic = file.read(4)
    try:
        return zipfile.ZipFile(file)
    # zipfile does not document what it raises for arbitrary bytes: BadZipFile, ValueError, struct.error, ...
    except Exception as error:
        if magic[:2] == b"PK":
            raise InputError(f"{path}: the archive is truncated or damaged; {remedy}") from error
        raise InputError(f"{path}: is not an NPZ archive; {remedy}") from error


def _check_directory(path: Path, file: BinaryIO, archive: zipfile.ZipFile, remedy: str) -> None:
    """Refuse a directory that lists fewer members than its end record counts, or members larger than the file.

    The directory has no checksum, and zipfile does not compare the counts: one flipped bit in the length of an entry
    hides all entries after it, and without its mask, padding would be read as beads.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 22 - 65535))  # the end record and the longest possible comment after it
    tail = file.read()
    (count,) = struct.unpack_from("<10xH", tail, tail.rfind(b"PK\5\6"))
    members = archive.infolist()
    # 65535 means "see the zip64 record"; no NPZ has that many arrays.
    if count not in (len(members), 0xFFFF) or len(members) > MOST_MEMBERS:
        raise InputError(f"{path}: the archive's list of arrays is damaged; {remedy}")
    if not members:
        raise InputError(f"{path}: the archive is empty; {remedy}")
    repeated = [name for name, times in Counter(info.filename for info in members).items() if times > 1]
    if repeated:
        raise InputError(f"{path}: the archive holds {repeated[0]!r} twice; {remedy}")
    for info in members:
        key = key_of(info)
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{path}: key {key!r} is encrypted; write it with numpy.savez.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(
                f"{path}: key {key!r} is compressed by method {info.compress_type}, which NumPy does not write; "
                "write it with numpy.savez."
            )
        most = info.compress_size
        if info.compress_type == zipfile.ZIP_DEFLATED:
            most = _DEFLATE_RATIO * info.compress_size + _DEFLATE_START
        whole = info.compress_type == zipfile.ZIP_DEFLATED or info.file_size == info.compress_size
        if not whole or info.file_size > most or not 0 <= info.header_offset <= size - info.compress_size - 30:
            raise InputError(f"{path}: key {key!r} declares more bytes than the archive holds; {remedy}")
    if sum(info.compress_size for info in members) > size:
        raise InputError(f"{path}: its arrays overlap; {remedy}")


def _bytes(size: int) -> str:
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min((len(str(size)) - 1) // 3, len(units) - 1)
    return f"{size // 1000**power} {units[power]}"
