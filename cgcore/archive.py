"""NPZ archives from outside, read without trust.

What an archive declares is checked against what its file can hold before any of it is believed or allocated; whatever
is wrong is one sentence. Nothing is unpickled.
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
"""Bytes at most of the arrays of one file that have to be held in memory; uncompressed frames stay in their file."""

RATIO_LIMIT, RATIO_FREE = 50, 64 * 2**20
"""A compressed array of more than `RATIO_FREE` bytes may be at most so many times as large as its compressed form.
Positions and forces shrink by a tenth; only what is empty shrinks more than this."""

MOST_MEMBERS = 10_000
MOST_JSON = 100_000
"""Characters of a JSON text inside an archive."""

_DEFLATE_RATIO, _DEFLATE_START = 1032, 1024
"""No deflated stream is larger once unpacked (258 bytes from 2 bits), but for its first bytes."""

_ENCRYPTED = 0x1 | 0x40
_NPY_VERSIONS = {(1, 0), (2, 0), (3, 0)}


class Header(NamedTuple):
    """What an array in an archive says of itself; its member is as large as this needs."""

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
        """Whether its bytes stand in the file as they are."""
        return self.member.compress_type == zipfile.ZIP_STORED


@dataclass(frozen=True)
class Archive:
    """An open archive whose directory has been checked.

    Arguments:
        path: of its file.
        file: the same, open.
        zip: the same, as `zipfile` sees it.
        remedy: what to do about a damaged archive, the end of a sentence.
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
        """Whatever goes wrong inside is a damaged array."""
        try:
            yield
        except InputError:
            raise
        # zipfile, the decompressors and the header parser each have errors of their own for damaged bytes.
        except (Exception, RecursionError) as error:
            problem = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise self.refuse(f"key {key!r} is damaged ({problem})") from error

    def header(self, info: zipfile.ZipInfo) -> Header | None:
        """The header of a member; None for one that is no NPY file.

        Raises:
            InputError: it is damaged, or declares another size than its member has.
        """
        key = key_of(info)
        with self.reading(key), self.zip.open(info) as member:  # compares the name with that in the local header
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
        """A whole array, its checksum verified. Its size has been checked: see `require_loadable`."""
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
        """Refuse arrays that memory should not be spent on, before it is; those named in `empty` may hold one value.

        Raises:
            InputError: they are larger than `LOADED_LIMIT` together, or one is packed tighter than numbers can be.
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
        """Where the numbers of a stored array start: after the member's local header, and its own."""
        self.file.seek(header.member.header_offset)
        name_bytes, extra_bytes = struct.unpack("<26xHH", self.file.read(30))
        return header.member.header_offset + 30 + name_bytes + extra_bytes + header.header_bytes


@contextmanager
def opened(path: str | os.PathLike[str], remedy: str) -> Iterator[Archive]:
    """Open an archive and check its directory.

    Raises:
        InputError: there is no such file, it cannot be read, is no NPZ archive, or its directory is damaged.
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
    """All arrays of a small archive that we wrote, checksums verified.

    Arguments:
        path: the file.
        remedy: what to do about one that cannot be used, the end of a sentence.
        known: whether a key belongs there.

    Raises:
        InputError: as `opened`; a member is no array of plain values, unknown, damaged, or too large.
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
    """The text that an archive holds under a key; None where there is none, or no readable archive."""
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
        ValueError: it is none, is longer than `MOST_JSON`, nested too deeply, or holds NaN or Infinity.
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
    # What zipfile raises on arbitrary bytes is not documented: BadZipFile, ValueError, struct.error, ...
    except Exception as error:
        if magic[:2] == b"PK":
            raise InputError(f"{path}: the archive is truncated or damaged; {remedy}") from error
        raise InputError(f"{path}: is not an NPZ archive; {remedy}") from error


def _check_directory(path: Path, file: BinaryIO, archive: zipfile.ZipFile, remedy: str) -> None:
    """Refuse an archive that lists fewer members than it counts, or members that its file cannot hold.

    The directory has no checksum, and zipfile does not compare: one flipped bit in the length of an entry
    makes the entries after it vanish, and a mask that vanished would turn padding into beads.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 22 - 65535))  # the end record, and the longest comment after it
    tail = file.read()
    (count,) = struct.unpack_from("<10xH", tail, tail.rfind(b"PK\5\6"))
    members = archive.infolist()
    # 65535 stands for "see the zip64 record"; no NPZ has as many arrays.
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
