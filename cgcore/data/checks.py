"""Checks of positions and forces, block by block, before any computation: finite, bonded, and in the stated units."""

from __future__ import annotations

import numpy as np

from cgcore.data.blocks import real_mask
from cgcore.data.frames import Store, real_values
from cgcore.data.overlap import locate_overlap
from cgcore.errors import InputError

__all__ = ["ForcesCheck", "PositionsCheck", "locate_overlap"]

SHORTEST_MEDIAN, LONGEST_MEDIAN, PICOMETRES = 1.0, 10.0, 100.0
"""Limits of the median bond length [Å]. CA beads are 3.8 Å apart, which a confusion of Å and nm turns into 0.38 Å or
38 Å; in pm it is 380."""

LEAST_FORCE = 1e-12
"""If all forces are below this limit [kcal/mol/Å], they are missing: atomic forces are about 20, and float32 noise is
1e-6."""


class _Check:
    """Common part of the checks: padding is set to 0, and the first problem is kept."""

    key: str

    def __init__(self, name: str, store: Store, lengths: np.ndarray) -> None:
        self.name, self.store, self.lengths = name, store, lengths
        self.padded = bool((lengths < store.R.shape[1]).any())
        self.wrong: str | None = None

    def loaded(self, start: int, values: np.ndarray) -> np.ndarray:
        """The values as `Frames.load` returns them."""
        lengths = self.lengths[start : start + len(values)] if self.padded else None
        factor = self.store.factors["RF".index(self.key)]
        return real_values(values, lengths, self.store.dtype, factor)

    def find_infinite(self, start: int, values: np.ndarray) -> None:
        # Padding was set to 0 on loading, so a value that is not finite belongs to a real bead.
        finite = np.isfinite(values)
        if finite.all():
            return
        frame, bead, axis = np.argwhere(~finite)[0]
        self.wrong = (
            f"key {self.key!r} is {values[frame, bead, axis]} at frame {start + frame}, bead {bead} "
            "(0-based); repair or remove this frame, or mark padding in 'mask'."
        )

    def require_right(self) -> None:
        """Raise InputError with key, frame and bead if there was a problem."""
        if self.wrong is not None:
            raise InputError(f"{self.name}: {self.wrong}")


class PositionsCheck(_Check):
    """Finds NaN and inf in real beads, zero-length bonds, and positions in the wrong unit."""

    key = "R"
    short = long = huge = total = 0

    def add(self, start: int, values: np.ndarray) -> None:
        """Check rows of R."""
        if self.wrong is not None:
            return
        R = self.loaded(start, values)
        self.find_infinite(start, R)
        if self.wrong is not None:
            return
        distance = _bond_lengths(R)
        if self.padded:  # distances to padding are not bonds
            bonded = real_mask(self.lengths[start : start + len(R)] - 1, distance.shape[1])
            distance = distance[bonded]
        if distance.size and not distance.min() > 0:
            self._locate_zero(start, R)
        # The median would need all distances at once, but counts suffice to tell on which side of a limit it lies.
        self.short += int(np.count_nonzero(distance < SHORTEST_MEDIAN))
        self.long += int(np.count_nonzero(distance > LONGEST_MEDIAN))
        self.huge += int(np.count_nonzero(distance > PICOMETRES))
        self.total += distance.size

    def require_right(self) -> None:
        if self.wrong is None:
            self.wrong = _wrong_units(
                self.store.units, *(2 * n > self.total for n in (self.short, self.long, self.huge))
            )
        super().require_right()

    def _locate_zero(self, start: int, R: np.ndarray) -> None:
        zero = (_bond_lengths(R) == 0) & real_mask(self.lengths[start : start + len(R)] - 1, R.shape[1] - 1)
        frame, bead = np.argwhere(zero)[0]
        self.wrong = (
            f"key 'R' has beads {bead} and {bead + 1} of frame {start + frame} (0-based) at the same "
            "position; repair or remove this frame, or mark padding in 'mask'."
        )


class ForcesCheck(_Check):
    """Finds NaN and inf in real beads, and forces that are all 0."""

    key = "F"
    largest = 0.0

    def add(self, start: int, values: np.ndarray) -> None:
        """Check rows of F."""
        if self.wrong is not None:
            return
        F = self.loaded(start, values)
        self.find_infinite(start, F)
        if self.largest < LEAST_FORCE:  # rarely needed more than once
            self.largest = max(self.largest, float(np.abs(F).max(initial=0.0)))

    def require_right(self) -> None:
        if self.wrong is None and self.largest < LEAST_FORCE:
            self.wrong = (
                f"key 'F' is zero everywhere (no component reaches {LEAST_FORCE:g} kcal/mol/Å), and there is nothing "
                "to fit to; save the reference forces."
            )
        super().require_right()


def _bond_lengths(R: np.ndarray) -> np.ndarray:
    """Bond lengths (frames, beads - 1), float64 [Å]; inf where the square overflows."""
    step = np.diff(R.astype(np.float64), axis=1)
    with np.errstate(over="ignore"):
        return np.sqrt(np.einsum("fbx,fbx->fb", step, step))


def _wrong_units(units: str, short: bool, long: bool, huge: bool) -> str | None:
    length = units.split("-")[0]
    if length == "angstrom" and short:
        return (
            f"key 'R' looks like nm (the median bond is below {SHORTEST_MEDIAN:g} Å); "
            'add --units nm-kj (in Python: units="nm-kj").'
        )
    if huge:
        return f"key 'R' looks like pm (the median bond is above {PICOMETRES:g} Å as read); save it in Å or nm."
    if length == "nm" and long:
        return (
            f"key 'R' looks like Å, not nm (the median bond is above {LONGEST_MEDIAN:g} Å once converted); "
            'use --units angstrom-kcal (in Python: units="angstrom-kcal").'
        )
    if short:
        return (
            f"key 'R' is not in {length} (the median bond is below {SHORTEST_MEDIAN:g} Å once converted); save it in "
            "nm or Å."
        )
    return None
