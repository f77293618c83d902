"""How stiff bonds are, by the forces on them and by how much they fluctuate.

Equipartition: a bond of stiffness kr that is sampled at temperature T has kr var(r) = kT. Stiffness from forces is the
least-squares kr of forces kr (r - <r>) + constant along the bonds; what else acts on beads is noise to it, and so is
the solvent. On all-atom simulations of proteins the ratio is 0.9 to 1, and in another unit of force it is another
number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float


class Ratio(NamedTuple):
    """kr var(r) / kT, its standard error, kr [kcal/mol/Å²], and the part of the forces' squares that bonds explain."""

    value: float
    error: float
    kr: float
    explained: float


class _Sums:
    """Normal equations of one part of the frames: columns (r - <r>) and 1 along each bond, and the forces."""

    def __init__(self) -> None:
        self.XX, self.XF = np.zeros((2, 2)), np.zeros(2)
        self.FF = self.squares = 0.0
        self.bonds = self.rows = 0

    def add(
        self,
        along: Float[np.ndarray, "frames bonds 3"],
        stretch: Float[np.ndarray, "frames bonds"],
        counted: Bool[np.ndarray, "frames bonds"],
        F: Float[np.ndarray, "frames beads 3"],
        squares: Float[np.ndarray, "frames beads"],
    ) -> None:
        """Frames: unit vectors, deviations from each bond's mean [Å], which bonds count, forces and their squares."""
        ones = counted.astype(np.float64)
        # A bond pulls its two beads against each other, so it meets itself twice and its neighbours by their angle.
        turn = np.einsum("fbx,fbx->fb", along[:, 1:], along[:, :-1])
        pull = np.einsum("fbx,fbx->fb", along, F[:, :-1] - F[:, 1:])
        columns = (stretch, ones)
        for i, p in enumerate(columns):
            self.XF[i] += np.sum(p * pull)
            for j, q in enumerate(columns):
                self.XX[i, j] += 2 * np.sum(p * q) - np.sum((p[:, 1:] * q[:, :-1] + p[:, :-1] * q[:, 1:]) * turn)
        self.FF += float(np.sum(squares))
        self.squares += float(np.sum(stretch**2))
        self.bonds += int(np.count_nonzero(counted))
        self.rows += 3 * squares.size


@dataclass
class Stretch:
    """Sums of contiguous parts of the frames."""

    groups: list[_Sums] = field(default_factory=list)

    Sums = _Sums

    def ratio(self, kT: float) -> Ratio | None:
        """The ratio of all parts together; None where bonds do not fluctuate or there are too few.

        Arguments:
            kT: of the data's temperature [kcal/mol].
        """
        groups = [group for group in self.groups if group.bonds]
        whole = _solve(groups)
        if whole is None:
            return None
        kr, variance, explained, error = whole
        # Neighbouring frames are alike, so that errors from the scatter of the parts are larger than the formal ones.
        rest = [_solve(groups[:k] + groups[k + 1 :]) for k in range(len(groups))]
        others = [found[0] * found[1] for found in rest if found is not None]
        if len(others) > 3:
            spread = float(np.sqrt((len(others) - 1) * np.var(others)))
            error = max(error, spread / variance)
        scale = variance / kT
        return Ratio(kr * scale, error * scale, kr, explained)


def _solve(groups: list[_Sums]) -> tuple[float, float, float, float] | None:
    """kr, the bonds' variance, the part explained, and the formal error of kr."""
    bonds, rows = sum(group.bonds for group in groups), sum(group.rows for group in groups)
    if rows <= 3 or bonds < 2:
        return None
    XX, XF = sum(group.XX for group in groups), sum(group.XF for group in groups)
    FF = sum(group.FF for group in groups)
    variance = sum(group.squares for group in groups) / bonds
    # Below 1e-9 Å bonds are rigid, and what is left of them is rounding.
    if not (variance > 1e-18 and 0 < FF < np.inf and np.isfinite(XX).all() and np.isfinite(XF).all()):
        return None
    if not np.linalg.cond(XX) < 1e12:
        return None
    inverse = np.linalg.inv(XX)
    c = inverse @ XF
    left = max(FF - float(c @ XF), 0.0)
    error = float(np.sqrt(left / (rows - 2) * inverse[0, 0]))
    return float(c[0]), variance, 1 - left / FF, error
