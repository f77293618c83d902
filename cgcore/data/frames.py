"""One source of frames, with metadata in memory and positions and forces in their file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from cgcore.data.blocks import real_mask
from cgcore.data.boxes import made_whole
from cgcore.data.stored import Rows
from cgcore.data.units import factors


@dataclass(frozen=True, eq=False)
class Store:
    """The arrays of one source as stored, and their units."""

    R: Rows  # (frames, beads, 3)
    F: Rows  # (frames, beads, 3)
    species: Rows | None  # (frames, beads)
    units: str

    @property
    def dtype(self) -> np.dtype:
        """float32 if R and F are stored in at most that precision and need no conversion, otherwise float64.

        A conversion of units in float32 would round every value again.
        """
        small = all(a.dtype.kind == "f" and a.dtype.itemsize <= 4 for a in (self.R, self.F))
        return np.dtype(np.float32 if small and self.factors == (1.0, 1.0) else np.float64)

    @property
    def factors(self) -> tuple[float, float]:
        """Factors that convert stored positions to Å and stored forces to kcal/mol/Å."""
        return factors(self.units)


@dataclass(frozen=True, eq=False)
class Frames:
    """The frames of one file, or a selection of them, created by `read` or `from_arrays`, which check them.

    `extras` are the other plain arrays of the file, unchanged; a selection of frames does not select from them.
    """

    source: str  # file name
    lengths: np.ndarray = field(repr=False)  # (frames,) int32: number of real beads, equivalent to the mask
    protein: np.ndarray = field(repr=False)  # (frames,) int32: label into protein_names
    protein_names: tuple[str, ...]
    extras: dict[str, np.ndarray] = field(repr=False)
    store: Store = field(repr=False)
    rows: np.ndarray | None = field(default=None, repr=False)  # rows of the store; None for all
    sha256: str = ""  # of the whole source, also after a selection
    sites: np.ndarray | None = field(default=None, repr=False)  # (proteins, beads), see `chains`; None for whole chains
    form: str = "NPZ"  # format of the file, see `formats`
    box: np.ndarray | None = field(default=None, repr=False)  # (1 or frames of the store, 3, 3), Å; None for free space
    weights: np.ndarray | None = field(default=None, repr=False)  # (frames of the store, beads); None if all are 1

    @property
    def n_frames(self) -> int:
        return len(self.lengths)

    @property
    def n_beads(self) -> int:
        """Number of beads in a row of the file, padding included."""
        return self.store.R.shape[1]

    @property
    def real_beads(self) -> int:
        """Number of real beads in all frames together."""
        return int(self.lengths.sum(dtype=np.int64))

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Distinct values of the extra array `temperature` [K]; empty if it does not contain numbers."""
        said = self.extras.get("temperature")
        return () if said is None or said.dtype.kind not in "iuf" else tuple(np.unique(said.astype(float)).tolist())

    @property
    def frame_numbers(self) -> np.ndarray:
        """(frames,) int64: the number of each frame in its file, counted from 0."""
        return np.arange(self.n_frames) if self.rows is None else self.rows

    def load(self, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in Å and forces in kcal/mol/Å of these frames, each (frames, beads, 3), as new arrays.

        Both have the same dtype: float32 if both are stored in at most that precision and in these units, otherwise
        float64. Padded beads are 0, whatever the file holds there; chains wrapped into a box are made whole. Raises
        IndexError for rows out of range, InputError if the file changed.
        """
        rows = self._as_slice(rows)
        return self.positions(rows), self.forces(rows)

    def positions(self, rows: slice | np.ndarray) -> np.ndarray:
        """The positions of `load`."""
        R = self._loaded(self.store.R, rows, self.store.factors[0])
        if self.box is not None:
            vectors = self.box if len(self.box) == 1 else self.box[self._stored(rows)]
            self._make_whole(R, vectors, self.protein[rows], self.lengths[rows])
        return R

    def forces(self, rows: slice | np.ndarray) -> np.ndarray:
        """The forces of `load`."""
        return self._loaded(self.store.F, rows, self.store.factors[1])

    def _loaded(self, stored: Rows, rows: slice | np.ndarray, factor: float) -> np.ndarray:
        lengths, copy = self.lengths[rows], isinstance(stored, np.ndarray)
        padded = None if (lengths == self.n_beads).all() else lengths
        return real_values(stored[self._stored(rows)], padded, self.store.dtype, factor, copy=copy)

    def _make_whole(self, R: np.ndarray, vectors: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> None:
        """Make chains that were wrapped into the box whole, in place."""
        for label in np.unique(labels).tolist():
            own = np.flatnonzero(labels == label)
            R[own] = made_whole(
                R[own], vectors if len(vectors) == 1 else vectors[own], self.sites_of(label), int(lengths[own[0]])
            )

    def sites_of(self, label: int) -> np.ndarray:
        """(beads,) int32: the site of each bead of a protein, see `chains`."""
        return np.arange(self.n_beads, dtype=np.int32) if self.sites is None else self.sites[label]

    def species(self, rows: slice | np.ndarray) -> np.ndarray | None:
        """Species of these frames, (frames, beads) int32, 0 in padded beads; None if the file has none."""
        if self.store.species is None:
            return None
        return clean_species(self.store.species[self._stored(rows)], self.lengths[rows])

    def weights_of(self, rows: slice | np.ndarray) -> np.ndarray | None:
        """Weights of the beads of these frames, (frames, beads), 0 in padded beads; None if all are 1."""
        return None if self.weights is None else self.weights[self._stored(rows)]

    @property
    def total_weight(self) -> float:
        """The sum of the weights of all real beads; their number if there are no weights."""
        weights = self.weights_of(slice(None))
        return float(self.real_beads) if weights is None else float(weights.sum())

    def select(self, rows: np.ndarray) -> Frames:
        """Select frames (by integer or boolean index, in the given order) without loading them."""
        return replace(self, lengths=self.lengths[rows], protein=self.protein[rows], rows=self.frame_numbers[rows])

    def stored_rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the store that hold these frames."""
        return rows if self.rows is None else self.rows[rows]

    def _as_slice(self, rows: slice | np.ndarray) -> slice | np.ndarray:
        """Convert consecutive rows to a slice, which gives a view, while an index array gathers row by row."""
        if isinstance(rows, slice) or rows.dtype.kind not in "iu" or rows.ndim != 1 or not len(rows):
            return rows
        first, last = int(rows[0]), int(rows[-1])
        inside = first >= 0 and last < self.n_frames and last - first == len(rows) - 1
        return slice(first, last + 1) if inside and (np.diff(rows) == 1).all() else rows

    def _stored(self, rows: slice | np.ndarray) -> slice | np.ndarray:
        return rows if self.rows is None else self.rows[rows]


def clean_species(stored: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Stored species as int32, 0 in padded beads; padding is removed before the cast, since it may be NaN."""
    real = real_mask(lengths, stored.shape[1])
    out = np.zeros(stored.shape, np.int32)
    out[real] = stored[real]
    return out


def real_values(
    stored: np.ndarray, lengths: np.ndarray | None, dtype: np.dtype, factor: float, *, copy: bool = False
) -> np.ndarray:
    """Convert stored positions or forces: cast, multiply by a factor, and set padding to 0; `stored` is not changed.

    Arguments:
        stored: stored values (frames, beads, 3).
        lengths: number of real beads of each frame (frames,); None if all beads are real.
        dtype: dtype of the result.
        factor: conversion factor to Å or kcal/mol/Å.
        copy: whether to always return a new array.
    """
    # A value too large for the dtype becomes inf without a warning; the checks on reading report where it is.
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(dtype, order="C", copy=copy)
        real = None if lengths is None else real_mask(lengths, values.shape[1])
        if real is not None and not real.all():
            values = np.where(real[..., None], values, dtype.type(0))
        return values if factor == 1.0 else values * dtype.type(factor)
