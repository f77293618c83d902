"""What `zipfile` leaves open: whether an archive's directory is whole, and where a member's bytes are."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from cgcore.errors import InputError


def open_zip(path: Path, file: BinaryIO) -> zipfile.ZipFile:
    """The archive in this open file, its directory complete. Raises InputError if it is none or damaged."""
    file.seek(0)
    magic = file.read(4)
    try:
        archive = zipfile.ZipFile(file)
    # What zipfile raises on arbitrary bytes is not documented: BadZipFile, ValueError, struct.error, ...
    except Exception as error:
        if magic[:2] == b"PK":
            raise InputError(f"{path}: the archive is truncated or damaged; copy or write it again.") from error
        raise InputError(f"{path}: is not an NPZ archive; write it with numpy.savez.") from error
    _check_directory(path, file, archive)
    return archive


def data_offset(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where a member's bytes start: after its local header, which has a name and extra field of its own."""
    file.seek(info.header_offset)
    name_bytes, extra_bytes = struct.unpack("<26xHH", file.read(30))
    return info.header_offset + 30 + name_bytes + extra_bytes


def _check_directory(path: Path, file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that lists fewer members than it counts.

    The directory has no checksum, and zipfile does not compare: one flipped bit in the length of an entry
    makes the entries after it vanish, and a mask that vanished would turn padding into beads.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 22 - 65535))  # the end record, and the longest comment after it
    tail = file.read()
    (count,) = struct.unpack_from("<10xH", tail, tail.rfind(b"PK\5\6"))
    # 65535 stands for "see the zip64 record"; no NPZ has as many arrays.
    if count not in (len(archive.infolist()), 0xFFFF):
        raise InputError(f"{path}: the archive's list of arrays is damaged; copy or write it again.")
