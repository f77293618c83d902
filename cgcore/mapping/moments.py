"""One pass over the frames: sums of products of forces, and variances of distances that may be rigid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcore.data.blocks import row_blocks
from cgcore.data.boxes import box_vectors
from cgcore.data.formats import Source
from cgcore.data.units import factors
from cgcore.errors import InputError
from cgcore.mapping.rigid import Distances

HELD_OUT = 0.2
"""Fraction of each source's frames, at its end, that is held out to judge maps made from the others."""

MOST_ATOMS = 8000
"""Largest number of atoms, for which the Gram matrices take 1 GB."""


@dataclass
class Moments:
    """Sums of f_i f_j over frames and components [(kcal/mol/Å)²], for frames to fit to and held-out frames.

    Arguments:
        fitted, held_out: sums (solute atoms, solute atoms).
        frames: number of frames of each kind.
        rigid: pairs of solute atoms whose distance does not vary (pairs, 2).
    """

    fitted: np.ndarray
    held_out: np.ndarray
    frames: tuple[int, int]
    rigid: np.ndarray

    @property
    def all(self) -> np.ndarray:
        """Moments over all frames."""
        return self.fitted + self.held_out


def moments(sources: list[Source], solute: np.ndarray, pairs: np.ndarray, units: str | None) -> Moments:
    """Read all frames once.

    Arguments:
        sources: sources with `R` and `F` (frames, atoms, 3), all of the same atoms.
        solute: the atoms to use (solute atoms,).
        pairs: pairs of solute atoms that constraints may join (pairs, 2).
        units: units of the sources; None for their own.

    Raises:
        InputError: there are too many atoms, forces are not finite, or a file cannot be read.
    """
    if len(solute) > MOST_ATOMS:
        raise InputError(
            f"{sources[0].name}: has {len(solute)} atoms of protein; give a system with at most {MOST_ATOMS}"
        )
    sums = np.zeros((2, len(solute), len(solute)))
    counts, distances = [0, 0], None
    for source in sources:
        r_factor, f_factor = factors(units or source.units)
        n, atoms = source.arrays["R"].shape[:2]
        vectors = _box(source, n, r_factor)
        fitted = n - min(round(HELD_OUT * n), n - 1)
        for block in row_blocks(n, atoms):
            R = source.arrays["R"][block][:, solute] * r_factor
            F = source.arrays["F"][block][:, solute] * f_factor
            if not (np.isfinite(R).all() and np.isfinite(F).all()):
                bad = int((~np.isfinite(R) | ~np.isfinite(F)).any(axis=(1, 2)).argmax()) + block.start
                raise InputError(f"{source.name}: frame {bad} (0-based) holds NaN or inf; repair or remove it")
            own = vectors if vectors is None or len(vectors) == 1 else vectors[block]
            distances = distances or Distances(pairs, R[0], own if own is None else own[0])
            distances.add(R, own)
            cut = min(max(fitted - block.start, 0), len(F))
            for part, rows in enumerate((F[:cut], F[cut:])):
                flat = np.ascontiguousarray(rows.transpose(0, 2, 1), np.float64).reshape(-1, len(solute))
                sums[part] += flat.T @ flat
                counts[part] += len(rows)
    assert distances is not None
    return Moments(sums[0], sums[1], (counts[0], counts[1]), distances.rigid())


def _box(source: Source, n_frames: int, factor: float) -> np.ndarray | None:
    """Box vectors (1 or frames, 3, 3) [Å]; None if the file has no plausible box."""
    said = source.extras.get("box")
    try:
        return None if said is None or said.size == 0 else box_vectors("box", said, n_frames, factor)
    except InputError:
        return None
