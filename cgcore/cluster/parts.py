"""Finished parts in a folder, a file each, named by a hash of all that a part depends on, for use after a restart."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cgcore.archive import load_arrays
from cgcore.cluster.parcel import content
from cgcore.data.batches import Piece
from cgcore.errors import InputError
from cgcore.factor.execution import Execute
from cgcore.factor.histogram import Histograms
from cgcore.factor.work import Part, Work
from cgcore.files.arrays import CHECKSUM, checksum, write_arrays

FORMAT = "cgcore part 2"
PACKAGES = ("cgcore", "jax", "jaxlib", "numpy")
"""What computes a part: another version may round otherwise."""

_NAME = re.compile(r"[0-9a-f]{62}\.npz")
_REMEDY = "it is made again"


def keeping(
    folder: str | os.PathLike[str], execute: Execute, found: Callable[[int, int], object] = lambda have, of: None
) -> Execute:
    """The same, but parts are kept in a folder as soon as they are there, and those in it are not made again.

    Arguments:
        folder: made where it is missing.
        execute: who makes the others.
        found: called with the number of parts that were there, and of all.
    """
    parts = _Folder(Path(folder))

    def kept(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        general = _content(work)
        keys = [hashlib.sha256((general + content(piece)).encode()).hexdigest() for piece in pieces]
        missing = [number for number, key in enumerate(keys) if parts.read(key) is None]
        found(len(pieces) - len(missing), len(pieces))
        # Those that were there are read when their turn comes: together they may be more than memory holds.
        there = deque(sorted(set(range(len(pieces))) - set(missing)))
        for which, part in execute(work, [pieces[number] for number in missing]):
            number = missing[which]
            parts.write(keys[number], part)
            while there and there[0] < number:
                yield there[0], parts.required(keys[there.popleft()])
            yield number, part
        for number in there:
            yield number, parts.required(keys[number])

    return kept


def clear(folder: str | os.PathLike[str]) -> None:
    """Remove all parts in a folder, and the folder where nothing else is in it."""
    for path in Path(folder).glob("??/*.npz"):
        if _NAME.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()
    for emptied in (*Path(folder).glob("??"), Path(folder)):
        with suppress(OSError):
            emptied.rmdir()


@dataclass(frozen=True)
class _Folder:
    """Files by their keys, in folders by the first two letters: one folder of all would be long to list."""

    path: Path

    def read(self, key: str) -> Part | None:
        """The part of a key; None where there is none, or anything of it was changed."""
        try:
            arrays = load_arrays(self._file(key), _REMEDY)
            names = [name for name in arrays if name != CHECKSUM]
            whole = str(arrays[CHECKSUM]) == checksum(arrays, sorted(names)) and str(arrays["key"]) == key
            return _part(arrays) if whole else None
        except (InputError, KeyError):
            return None

    def required(self, key: str) -> Part:
        """The part of a key that was there just now.

        Raises:
            InputError: it is not any more.
        """
        if (part := self.read(key)) is None:
            raise InputError(f"{self._file(key)}: was changed while it was in use; run the same command again")
        return part

    def write(self, key: str, part: Part) -> None:
        """Keep a part.

        Raises:
            InputError: it cannot be written.
        """
        arrays = _arrays(part) | {"key": np.array(key)}
        write_arrays(self._file(key), arrays, sorted(arrays))

    def _file(self, key: str) -> Path:
        return self.path / key[:2] / f"{key[2:]}.npz"


def _content(work: Work) -> str:
    """SHA-256 of all that sums depend on besides their piece."""
    said = [FORMAT, work.fingerprint.as_dict(), float(work.scale).hex(), [version(name) for name in PACKAGES]]
    digest = hashlib.sha256(json.dumps(said).encode())
    for T in () if work.basis is None else work.basis.each:
        digest.update(b"none" if T is None else f"{T.shape}".encode() + np.ascontiguousarray(T).data)
    digest.update(b"QR" if work.basis is None else b"Gram")
    return digest.hexdigest()


_COUNTS, _GROUPS = "counts of ", "groups of "


def _arrays(part: Part) -> dict[str, np.ndarray]:
    named = ((_COUNTS, part.histograms.counts), (_GROUPS, part.histograms.groups))
    arrays = {prefix + name: np.asarray(values) for prefix, each in named for name, values in each.items()}
    return arrays | {"matrix": part.matrix, "frames": np.array(part.frames)}


def _part(arrays: dict[str, np.ndarray]) -> Part:
    def named(prefix: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(prefix): own for name, own in arrays.items() if name.startswith(prefix)}

    histograms = Histograms(named(_COUNTS), named(_GROUPS))
    return Part(arrays["matrix"], histograms, int(arrays["frames"]))
