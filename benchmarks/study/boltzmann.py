"""Boltzmann inversion: a prior from positions alone, as in mlcg-tk and torchmd-cg.

    bonds, angles   kT/2 (x - mean)² / variance: the parabola of a Gaussian
    dihedrals       least-squares fit of two harmonics to -kT ln p(phi), over non-empty bins
    pairs           least-squares fit of B/r^6 and a constant to -kT ln [p(r)/(4 pi r²)] from 3 to 6 Å, for beads
                    that are four or more positions apart

Distributions are divided by the Jacobians, r² for bonds and sin(theta) for angles. Harmonic bonds, two harmonics of
dihedrals and r^-6 follow Majewski et al., Nat. Commun. 2023, 14, 5739 (torchmd-cg); harmonic angles follow Wang et al.,
ACS Cent. Sci. 2019, 5, 755, and mlcg-tk. If fewer than three bins of pairs are non-empty, or the potential does not
rise towards short distances, B is chosen as in mlcg-tk: 1 kcal/mol at the first percentile of distances. Unlike in both
programs, all residues share one set of parameters, as in the other priors of this study.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

import cgcore
from cgcore.bases import Fourier, Harmonic, Power
from cgcore.constants import BOLTZMANN
from cgcore.simulation.observables import of_frames

HARMONICS = 2
APART = 4
DIHEDRAL_BINS = 60
PAIR_BINS, PAIR_RANGE = 30, (3.0, 6.0)

TERMS = (
    cgcore.Term("bond", cgcore.Rows("bonds"), Harmonic()),
    cgcore.Term("angle", cgcore.Rows("angles"), Harmonic()),
    cgcore.Term("dihedral", cgcore.Rows("dihedrals"), Fourier(HARMONICS)),
    cgcore.Term("repulsive", cgcore.Rows("pairs", APART), Power(6)),
)


class Parabola(NamedTuple):
    """Stiffness [kcal/mol/x²] and rest value [x]."""

    stiffness: float
    rest: float

    @property
    def coefficients(self) -> Float[np.ndarray, " 2"]:
        """The coefficients for `cgcore.bases.Harmonic`."""
        return np.array([self.stiffness, self.stiffness * self.rest])


def inverted(frames: Sequence[Float[np.ndarray, "_ _ 3"]], temperature: float) -> cgcore.Prior:
    """The Boltzmann-inverted prior of these frames.

    Arguments:
        frames: positions of each protein (frames, beads, 3) [Å].
        temperature: temperature [K].

    Examples:
        >>> import cgcore
        >>> prior = inverted([cgcore.datasets.chignolin().join().R], 320.0)
        >>> stiffness, product = prior.params["bond"]
        >>> round(float(product / stiffness), 2)
        3.83
    """
    kT = BOLTZMANN * temperature
    bonds = _values("bond", frames)
    angles = np.radians(_values("angle", frames))
    coefficients = {
        "bond": parabola(bonds, bonds**2, kT).coefficients,
        "angle": parabola(angles, np.sin(angles), kT).coefficients,
        "dihedral": fourier(np.radians(_values("dihedral", frames)), kT),
        "repulsive": np.array([repulsion(_pairs(frames), kT)]),
    }
    return cgcore.default_prior().without_excluded_volume().with_terms(TERMS, coefficients)


def parabola(x: Float[np.ndarray, " n"], jacobian: Float[np.ndarray, " n"], kT: float) -> Parabola:
    """The parabola whose Boltzmann distribution has the mean and variance of x after division by its Jacobian."""
    weights = 1 / jacobian
    mean = np.average(x, weights=weights)
    return Parabola(float(kT / np.average((x - mean) ** 2, weights=weights)), float(mean))


def fourier(phi: Float[np.ndarray, " n"], kT: float) -> Float[np.ndarray, " coefficients"]:
    """Coefficients of cosines, then sines, fitted to -kT ln p in non-empty bins."""
    counts, edges = np.histogram(phi, bins=DIHEDRAL_BINS, range=(-np.pi, np.pi))
    held = counts > 0
    centres = (edges[1:] + edges[:-1])[held] / 2
    columns = np.stack([*Fourier(HARMONICS).functions(centres), np.ones_like(centres)], axis=1)
    return np.linalg.lstsq(columns, -kT * np.log(counts[held]), rcond=None)[0][:-1]


def repulsion(r: Float[np.ndarray, " n"], kT: float) -> float:
    """The coefficient B of B/r^6 [kcal/mol Å^6]."""
    counts, edges = np.histogram(r, bins=PAIR_BINS, range=PAIR_RANGE)
    held = counts > 0
    centres, shells = (edges[1:] + edges[:-1])[held] / 2, np.diff(edges**3)[held]
    if len(centres) >= 3:
        columns = np.stack([centres**-6, np.ones_like(centres)], axis=1)
        slope = np.linalg.lstsq(columns, -kT * np.log(counts[held] / shells), rcond=None)[0][0]
        if slope > 0:
            return float(slope)
    return float(np.percentile(r, 1) ** 6)


def _values(name: str, frames: Sequence[np.ndarray]) -> Float[np.ndarray, " n"]:
    return np.concatenate([of_frames(name, R).ravel() for R in frames])


def _pairs(frames: Sequence[np.ndarray]) -> Float[np.ndarray, " n"]:
    found = []
    for R in frames:
        i, j = np.triu_indices(R.shape[1], APART)
        found.append(np.linalg.norm(R[:, i].astype(np.float64) - R[:, j], axis=2).ravel())
    return np.concatenate(found)
