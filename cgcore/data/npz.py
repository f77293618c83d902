"""Reading an NPZ archive without unpickling anything and without loading what can stay in the file."""

from __future__ import annotations

import hashlib
import math
import os
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cgcore.data.stored import Rows, StoredArray, file_stamp
from cgcore.data.zips import data_offset, open_zip
from cgcore.errors import InputError
from cgcore.files import open_regular

__all__ = ["Archive", "StoredArray", "open_npz"]

NEEDED = ("R", "F", "mask", "species")
PIECE = 2**20
EXTRA_LIMIT = 16 * 2**20
"""Bytes above which an array that no computation needs is skipped: memory must not grow with the frames."""


@dataclass(frozen=True)
class Archive:
    """What one NPZ file holds, its checksums verified."""

    arrays: dict[str, Rows]  # those of NEEDED that are there
    extras: dict[str, np.ndarray]  # every other plain array
    skipped_keys: tuple[str, ...]  # object arrays, members that are no arrays, extras above EXTRA_LIMIT
    sha256: str


def open_npz(path: Path) -> Archive:
    """Open, hash and verify one NPZ file.

    Members stored uncompressed become a `StoredArray`; compressed, Fortran-ordered or byte-swapped ones are
    loaded. Raises InputError when the file cannot be read, is not an archive or is damaged, and for a needed
    object array.
    """
    try:
        with open_regular(path, "give an NPZ file, or a folder of NPZ files") as file:
            sha256 = _sha256(file)
            with open_zip(path, file) as archive:
                arrays, extras, skipped = _read_members(path, file, archive)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check its permissions.") from error
    return Archive(arrays, extras, skipped, sha256)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _read_members(
    path: Path, file: BinaryIO, archive: zipfile.ZipFile
) -> tuple[dict[str, Rows], dict[str, np.ndarray], tuple[str, ...]]:
    arrays: dict[str, Rows] = {}
    extras: dict[str, np.ndarray] = {}
    skipped: list[str] = []
    members = [info for info in archive.infolist() if not info.is_dir()]
    if not members:
        raise InputError(f"{path}: the archive is empty; it needs at least the keys 'R' and 'F'.")
    repeated = [name for name, count in Counter(info.filename for info in members).items() if count > 1]
    if repeated:
        raise InputError(f"{path}: the archive holds {repeated[0]!r} twice; write it again.")
    for info in members:
        key = info.filename.removesuffix(".npy")
        try:
            array = _read_member(path, file, archive, info)
        except (InputError, MemoryError):
            raise
        # zipfile, the decompressors and the header parser each have errors of their own for damaged bytes.
        except Exception as error:
            raise InputError(
                f"{path}: key {key!r} is damaged ({type(error).__name__}: {error}); copy or write it again."
            ) from error
        if array is None:
            skipped.append(key)
        elif key in NEEDED:
            arrays[key] = array
        else:
            extras[key] = np.asarray(array)
    return arrays, extras, tuple(skipped)


def _read_member(path: Path, file: BinaryIO, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Rows | None:
    """One member as an array, or None when it is to be skipped."""
    # First the checksum, over all bytes: nothing below parses bytes that are not what was written.
    with archive.open(info) as member:
        while member.read(PIECE):
            pass
    if not info.filename.endswith(".npy"):
        return None
    key = info.filename.removesuffix(".npy")
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read_header(member)
        header_bytes = member.tell()
    if dtype.hasobject:
        if key in NEEDED:
            raise InputError(f"{path}: key {key!r} is an object array, which is never unpickled; save plain numbers.")
        return None
    data_bytes = math.prod(shape) * dtype.itemsize
    if header_bytes + data_bytes != info.file_size:
        raise InputError(f"{path}: key {key!r} does not have the size its header says; write the file again.")
    if key not in NEEDED and data_bytes > EXTRA_LIMIT:
        return None
    stored = info.compress_type == zipfile.ZIP_STORED and not fortran and dtype.isnative
    if key in NEEDED and stored and shape and data_bytes:
        offset = data_offset(file, info) + header_bytes
        return StoredArray(os.path.abspath(path), offset, dtype, shape, file_stamp(file))
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)
