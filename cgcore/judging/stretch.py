"""Bond stiffness, estimated both from forces and from fluctuations.

By equipartition, a bond of stiffness kr sampled at temperature T has kr var(r) = kT. The stiffness is estimated from
forces by a least-squares fit of kr (r - <r>) + constant along the bonds, in which all other interactions and the
solvent are noise. In all-atom simulations of proteins the ratio kr var(r) / kT is 0.9 to 1; a wrong unit of force
changes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

Parts = Float[np.ndarray, " parts"]


class Ratio(NamedTuple):
    """kr var(r) / kT, its standard error, kr [kcal/mol/Å²], and the fraction of squared forces explained by bonds."""

    value: float
    error: float
    kr: float
    explained: float


class Sums(NamedTuple):
    """Normal equations for the forces along bonds, by frame or by part of the frames, with columns s = r - <r> and 1.

    Arguments:
        ss, so, oo: products of the columns with each other.
        sF, oF: products of the columns with the forces.
        FF: sum of the squared forces.
        squares: sum of s² over bonds.
        bonds: number of bonds counted.
        rows: number of force components.
    """

    ss: Parts
    so: Parts
    oo: Parts
    sF: Parts
    oF: Parts
    FF: Parts
    squares: Parts
    bonds: Parts
    rows: Parts


def frame_sums(
    along: Float[np.ndarray, "xyz bonds frames"],
    stretch: Float[np.ndarray, "bonds frames"],
    counted: Bool[np.ndarray, "bonds frames"],
    F: Float[np.ndarray, "xyz beads frames"],
    squares: Float[np.ndarray, "beads frames"],
) -> Sums:
    """The sums for each frame.

    Arguments:
        along: unit vectors from each bead to the next.
        stretch: deviations from each bond's mean length [Å], 0 for bonds that are not counted.
        counted: which bonds are counted.
        F: forces [kcal/mol/Å].
        squares: squared force on each bead.
    """
    ones = counted.astype(np.float64)
    # A bond acts on its two beads with opposite forces: its product with itself counts twice, and that with a
    # neighbouring bond depends on their angle.
    turn = np.einsum("xbf,xbf->bf", along[:, 1:], along[:, :-1])
    pull = np.einsum("xbf,xbf->bf", along, F[:, :-1] - F[:, 1:])
    turned, bent = turn * stretch[:-1], turn * ones[:-1]
    own, bonds = _over_bonds(stretch, stretch), ones.sum(axis=0)
    return Sums(
        ss=2 * (own - _over_bonds(stretch[1:], turned)),
        so=2 * stretch.sum(axis=0) - _over_bonds(ones[1:], turned) - _over_bonds(stretch[1:], bent),
        oo=2 * (bonds - _over_bonds(ones[1:], bent)),
        sF=_over_bonds(stretch, pull),
        oF=_over_bonds(ones, pull),
        FF=squares.sum(axis=0),
        squares=own,
        bonds=bonds,
        rows=np.full(squares.shape[1], 3.0 * len(squares)),
    )


def _over_bonds(a: Float[np.ndarray, "bonds frames"], b: Float[np.ndarray, "bonds frames"]) -> Parts:
    return np.einsum("bf,bf->f", a, b)


@dataclass
class Stretch:
    """Sums over contiguous parts of the frames of each protein."""

    parts: list[Float[np.ndarray, "sums parts"]] = field(default_factory=list)

    def ratio(self, kT: float) -> Ratio | None:
        """The ratio for all parts together; None if bonds do not fluctuate or are too few.

        Arguments:
            kT: kT at the temperature of the data [kcal/mol].
        """
        if not self.parts:
            return None
        parts = np.concatenate(self.parts, axis=1)
        parts = parts[:, Sums(*parts).bonds > 0]
        solved = _solve(np.concatenate([parts.sum(axis=1, keepdims=True), _without_each(parts)], axis=1))
        kr, variance, explained, error = (float(column[0]) for column in solved)
        if np.isnan(kr):
            return None
        # Neighbouring frames are correlated, so errors from the scatter of the parts are larger than the formal ones.
        others = (solved.kr * solved.variance)[1:]
        others = others[~np.isnan(others)]
        if len(others) > 3:
            spread = float(np.sqrt((len(others) - 1) * np.var(others)))
            error = max(error, spread / variance)
        scale = variance / kT
        return Ratio(kr * scale, error * scale, kr, explained)


class _Solutions(NamedTuple):
    """kr, the variance of bonds, the explained fraction, and the formal error of kr; NaN if there is no solution."""

    kr: Parts
    variance: Parts
    explained: Parts
    error: Parts


def _solve(sums: Float[np.ndarray, "sums parts"]) -> _Solutions:
    at = Sums(*sums)
    variance = at.squares / np.maximum(at.bonds, 1)
    # With fluctuations below 1e-9 Å, bonds are rigid and only rounding remains.
    known = (at.rows > 3) & (at.bonds >= 2) & (variance > 1e-18) & (at.FF > 0) & np.isfinite(sums).all(axis=0)
    XX = np.where(known[:, None, None], np.array([[at.ss, at.so], [at.so, at.oo]]).T, np.eye(2))
    known &= np.linalg.cond(XX) < 1e12
    inverse = np.linalg.inv(np.where(known[:, None, None], XX, np.eye(2)))
    XF = np.stack([at.sF, at.oF], -1)
    c = np.einsum("kij,kj->ki", inverse, XF)
    left = np.maximum(at.FF - np.einsum("ki,ki->k", c, XF), 0.0)
    error = np.sqrt(left / np.maximum(at.rows - 2, 1) * inverse[:, 0, 0])
    explained = 1 - left / np.where(known, at.FF, 1.0)
    return _Solutions(*(np.where(known, x, np.nan) for x in (c[:, 0], variance, explained, error)))


def _without_each(parts: Float[np.ndarray, "sums parts"]) -> Float[np.ndarray, "sums parts"]:
    """Sums over all parts but one, for each part; not by subtraction, since one part may be much larger than others."""
    zero = np.zeros((len(parts), 1))
    before = np.cumsum(np.concatenate([zero, parts[:, :-1]], axis=1), axis=1)
    after = np.cumsum(np.concatenate([zero, parts[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return before + after
