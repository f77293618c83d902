"""Checks of the values, block by block, before any computing: finite, bonded, in the units that were said."""

from __future__ import annotations

import numpy as np

from cgcore.data.blocks import real_mask, row_blocks
from cgcore.data.frames import Frames
from cgcore.data.overlap import locate_overlap
from cgcore.errors import InputError

__all__ = ["check_values", "locate_overlap"]

SHORTEST_MEDIAN, LONGEST_MEDIAN = 1.0, 10.0
"""Å. CA beads are 3.8 Å apart: taken for the other unit this is 0.38 Å or 38 Å."""


def check_values(name: str, frames: Frames) -> None:
    """Refuse NaN and inf in real beads, zero-length bonds, and positions that are in another unit.

    One pass, in memory that does not grow with the frames. Raises InputError naming key, frame and bead.
    """
    short = long = total = 0
    for block in row_blocks(frames.n_frames, frames.n_beads):
        R, F = frames.load(block)
        _check_finite(name, "R", R, block.start)
        _check_finite(name, "F", F, block.start)
        distance = _bond_lengths(R)
        bonded = real_mask(frames.lengths[block] - 1, distance.shape[1])
        _check_bonds(name, (distance == 0) & bonded, block.start)
        short += int(((distance < SHORTEST_MEDIAN) & bonded).sum())
        long += int(((distance > LONGEST_MEDIAN) & bonded).sum())
        total += int(bonded.sum())
    # The median itself would need all distances at once; on which side of a limit it lies needs only counts.
    _check_units(name, frames.store.units, short > total / 2, long > total / 2)


def _bond_lengths(R: np.ndarray) -> np.ndarray:
    """(frames, beads - 1) float64, in Å; inf where the square overflows."""
    step = np.diff(R.astype(np.float64), axis=1)
    with np.errstate(over="ignore"):
        return np.sqrt(np.einsum("fbx,fbx->fb", step, step))


def _check_finite(name: str, key: str, values: np.ndarray, start: int) -> None:
    # Padding was set to 0 on loading, so anything that is not finite is a real bead.
    if np.isfinite(values).all():
        return
    frame, bead, axis = np.argwhere(~np.isfinite(values))[0]
    raise InputError(
        f"{name}: key {key!r} is {values[frame, bead, axis]} at frame {start + frame}, bead {bead} "
        "(0-based); repair or remove this frame, or mark padding in 'mask'."
    )


def _check_bonds(name: str, zero: np.ndarray, start: int) -> None:
    if zero.any():
        frame, bead = np.argwhere(zero)[0]
        raise InputError(
            f"{name}: key 'R' has beads {bead} and {bead + 1} of frame {start + frame} (0-based) at the same "
            "position; repair or remove this frame, or mark padding in 'mask'."
        )


def _check_units(name: str, units: str, short: bool, long: bool) -> None:
    if units == "angstrom-kcal" and short:
        raise InputError(
            f"{name}: key 'R' looks like nm (the median bond is below {SHORTEST_MEDIAN:g} Å); "
            'add --units nm-kj (in Python: units="nm-kj").'
        )
    if units == "nm-kj" and long:
        raise InputError(
            f"{name}: key 'R' looks like Å, not nm (the median bond is above "
            f"{LONGEST_MEDIAN:g} Å once converted); "
            'use --units angstrom-kcal (in Python: units="angstrom-kcal").'
        )
    if units == "nm-kj" and short:
        raise InputError(
            f"{name}: key 'R' is not in nm (the median bond is below {SHORTEST_MEDIAN:g} Å "
            "once converted); save it in nm or Å."
        )
