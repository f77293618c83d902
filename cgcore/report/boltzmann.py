"""Potentials of mean force from histograms, and the prior's potentials for comparison."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from cgcore.constants import BOLTZMANN
from cgcore.export.potentials import potentials
from cgcore.factor.histogram import EDGES, Histograms, by_group
from cgcore.physics.prior import Params, Prior
from cgcore.physics.term import Term

FINEST = 80
"""Largest number of bins over the sampled range; finer ones would show noise."""

PER_BIN = 20
"""Smallest average number of values in a bin."""


class Sampled(NamedTuple):
    """A histogram over the sampled range, coarse enough to be smooth.

    Arguments:
        edges: edges of the bins [Å or rad].
        counts: number of values in each bin.
    """

    edges: Float[np.ndarray, " bins+1"]
    counts: Float[np.ndarray, " bins"]

    @property
    def centres(self) -> Float[np.ndarray, " bins"]:
        """Middle of each bin [Å or rad]."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def density(self) -> Float[np.ndarray, " bins"]:
        """Probability density [1/Å or 1/rad]."""
        return self.counts / (self.counts.sum() * np.diff(self.edges))

    def central(self, part: float) -> np.ndarray:
        """Which bins contain the central fraction `part` of the values."""
        below = np.cumsum(self.counts) / self.counts.sum()
        tail = (1 - part) / 2
        return (below > tail) & (below - self.counts / self.counts.sum() < 1 - tail)


def sampled(histograms: Histograms, name: str) -> Sampled | None:
    """The histogram of "bond", "angle" or "dihedral"; None if there are no values.

    Bond lengths beyond `EDGES`, which are counted in the outermost bins, are left out.
    """
    return _coarse(histograms.counts[name], name)


def sampled_group(histograms: Histograms, term: Term, group: int) -> Sampled | None:
    """The histogram of a term's group; None if there are no values, or they were not counted."""
    if term.rows.pairs or (by_group(term) and term.name not in histograms.groups):
        return None
    return _coarse(histograms.of_group(term, group), term.coordinate)


def _coarse(every: Int[np.ndarray, " bins"], name: str) -> Sampled | None:
    counts, edges = np.array(every), EDGES[name]
    if name == "bond":
        counts[[0, -1]] = 0
    (filled,) = np.nonzero(counts)
    if not len(filled):
        return None
    first, last = int(filled[0]), int(filled[-1]) + 1
    width = max(1, -(-(last - first) // min(FINEST, max(int(counts.sum()) // PER_BIN, 5))))
    starts = np.arange(first, last, width)
    ends = np.minimum(starts + width, len(counts))
    return Sampled(
        edges=np.append(edges[starts], edges[ends[-1]]),
        counts=np.add.reduceat(counts[: ends[-1]], starts).astype(np.float64),
    )


def inverted(values: Sampled, name: str, temperature: float) -> Float[np.ndarray, " bins"]:
    """-kB T ln(p / Jacobian) of each bin [kcal/mol], with minimum 0; NaN in empty bins.

    The Jacobian is r² for bonds, sin(theta) for angles, and 1 for dihedrals.
    """
    x = values.centres
    jacobian = {"bond": x**2, "angle": np.sin(x), "dihedral": np.ones_like(x)}[name]
    p = np.where(values.counts > 0, values.density, np.nan)
    energy = -BOLTZMANN * temperature * np.log(p / jacobian)
    return energy - np.nanmin(energy)


def weighted(name: str, x: Float[np.ndarray, " n"], prior: Prior, params: Params) -> Float[np.ndarray, " n"]:
    """The weighted energy of a term without groups, with these parameters, at each x [Å or rad] [kcal/mol]."""
    return next(one for one in potentials(prior, params) if one.term.name == name).curves[0].energy(np.asarray(x))
