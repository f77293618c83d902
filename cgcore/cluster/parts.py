"""Finished parts kept in a folder for use after a restart, each in a file named by a hash of all it depends on."""

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
"""Packages that compute a part: another version may round differently."""

_NAME = re.compile(r"[0-9a-f]{62}\.npz")
_REMEDY = "it is made again"


def keeping(
    folder: str | os.PathLike[str], execute: Execute, found: Callable[[int, int], object] = lambda have, of: None
) -> Execute:
    """Wrap `execute`: each part is kept in a folder as soon as it is finished, and parts already there are reused.

    Arguments:
        folder: created if it is missing.
        execute: computes the missing parts.
        found: called with the number of parts already there and the number of all parts.
    """
    parts = _Folder(Path(folder))

    def kept(work: Work, pieces: Sequence[Piece]) -> Iterator[tuple[int, Part]]:
        general = _content(work)
        keys = [hashlib.sha256((general + content(piece)).encode()).hexdigest() for piece in pieces]
        missing = [number for number, key in enumerate(keys) if parts.read(key) is None]
        found(len(pieces) - len(missing), len(pieces))
        # Parts already there are read one at a time: together they may not fit into memory.
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
    """Remove all parts in a folder, and the folder itself if nothing else is in it."""
    for path in Path(folder).glob("??/*.npz"):
        if _NAME.fullmatch(path.name):
            with suppress(OSError):
                path.unlink()
    for emptied in (*Path(folder).glob("??"), Path(folder)):
        with suppress(OSError):
            emptied.rmdir()


@dataclass(frozen=True)
class _Folder:
    """Files named by their keys, in subfolders by the first two letters: a single folder would be slow to list."""

    path: Path

    def read(self, key: str) -> Part | None:
        """The part with a key; None if there is none or its file was changed."""
        try:
            arrays = load_arrays(self._file(key), _REMEDY)
            names = [name for name in arrays if name != CHECKSUM]
            whole = str(arrays[CHECKSUM]) == checksum(arrays, sorted(names)) and str(arrays["key"]) == key
            return _part(arrays) if whole else None
        except (InputError, KeyError):
            return None

    def required(self, key: str) -> Part:
        """The part with a key, which was there before.

        Raises:
            InputError: it no longer exists or was changed.
        """
        if (part := self.read(key)) is None:
            raise InputError(f"{self._file(key)}: was changed while it was in use; run the same command again")
        return part

    def write(self, key: str, part: Part) -> None:
        """Write a part.

        Raises:
            InputError: the file cannot be written.
        """
        arrays = _arrays(part) | {"key": np.array(key)}
        write_arrays(self._file(key), arrays, sorted(arrays))

    def _file(self, key: str) -> Path:
        return self.path / key[:2] / f"{key[2:]}.npz"


def _content(work: Work) -> str:
    """SHA-256 of everything that all parts depend on, whatever their piece."""
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
