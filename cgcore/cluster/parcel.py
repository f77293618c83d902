"""A piece of a data set as it is sent to a worker: which frames, and everything about them that is not in the file.

This takes kilobytes if the frames stay in their files; weights and boxes of the frames are included, and so are frames
that had to be loaded into memory (compressed arrays).
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace

import numpy as np

from cgcore.data import Frames
from cgcore.data.batches import Cut, Piece
from cgcore.data.frames import Store
from cgcore.data.stored import FileRows, Rows
from cgcore.errors import InputError


@dataclass(frozen=True, eq=False)
class Parcel:
    """A piece of the data, without anything that belongs to other frames.

    Arguments:
        segment: number of the piece's segment.
        counts: number of frames of each batch.
        size: number of frames to which batches are padded.
        length: number of real beads, the same in all frames.
        source: the frames: its store holds all of them, and its other arrays one entry where that is the same for all.
    """

    segment: int
    counts: tuple[int, ...]
    size: int
    length: int
    source: Frames

    @classmethod
    def of(cls, piece: Piece) -> Parcel:
        """Pack a piece for sending."""
        first, rows = piece.cuts[0], _rows(piece)
        source = first.source
        stored, label = source.stored_rows(rows), int(source.protein[rows[0]])
        species = source.store.species
        alone = Frames(
            source.source,
            lengths=source.lengths[rows[:1]],
            protein=np.zeros(1, np.int32),
            protein_names=(source.protein_names[label],),
            extras={},
            store=Store(
                _alone(source.store.R, stored),
                _alone(source.store.F, stored),
                None if species is None else species[stored[:1]],
                source.store.units,
            ),
            sha256=source.sha256,
            sites=None if source.sites is None else source.sites_of(label)[None],
            box=source.box if source.box is None or len(source.box) == 1 else source.box[stored],
            weights=source.weights_of(rows),
        )
        return cls(piece.segment, tuple(len(cut.rows) for cut in piece.cuts), first.size, int(alone.lengths[0]), alone)

    def piece(self) -> Piece:
        """Unpack the piece; its source has no other frames."""
        n, store = sum(self.counts), self.source.store
        species = None if store.species is None else np.broadcast_to(store.species[:], (n, self.source.n_beads))
        source = replace(
            self.source,
            lengths=np.full(n, self.length, np.int32),
            protein=np.zeros(n, np.int32),
            store=replace(store, species=species),
        )
        rows = np.split(np.arange(n), np.cumsum(self.counts)[:-1])
        return Piece(self.segment, tuple(Cut(self.segment, source, own, self.size) for own in rows))

    @property
    def nbytes(self) -> int:
        """Size of the arrays in it [bytes]."""
        arrays = (self.source.store.R, self.source.store.F, self.source.box, self.source.weights)
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    def require_files(self, where: str) -> None:
        """Refuse a piece whose files do not exist on this machine.

        Arguments:
            where: address of this worker, for the message.

        Raises:
            InputError: a file does not exist here; the message names it.
        """
        for array in (self.source.store.R, self.source.store.F):
            if isinstance(array, FileRows) and array.file and not os.path.exists(array.file):
                raise InputError(
                    f"{array.file}: does not exist on worker {where}; put the data where all workers "
                    "see them under the same "
                    "name"
                )


def content(piece: Piece) -> str:
    """SHA-256 of what a part depends on in its piece: the file's checksum, the frames, and how they are read."""
    first, rows = piece.cuts[0], _rows(piece)
    source = first.source
    digest = hashlib.sha256()
    said = (source.sha256, source.store.units, first.size, [len(cut.rows) for cut in piece.cuts])
    digest.update(repr(said).encode())
    stored, label = source.stored_rows(rows), int(source.protein[rows[0]])
    box = source.box if source.box is None or len(source.box) == 1 else source.box[stored]
    for array in (stored, source.lengths[rows], source.sites_of(label), box, source.weights_of(rows)):
        digest.update(b"none" if array is None else f"{array.dtype.str} {array.shape}".encode())
        digest.update(b"" if array is None else np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _alone(stored: Rows, rows: np.ndarray) -> Rows:
    return stored[rows] if isinstance(stored, np.ndarray) else stored.alone(rows)


def _rows(piece: Piece) -> np.ndarray:
    return np.concatenate([cut.rows for cut in piece.cuts])
