"""Ingredients of constraints: sampled ranges of a factor, temperature, and rows of coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from cgcore.factor.factor import Factor
from cgcore.factor.histogram import edges_of
from cgcore.factor.triangle import design
from cgcore.physics.term import Term

Held = tuple[Term, Float[np.ndarray, " _"]]
"""A term that is not fitted, and its coefficients."""

Level = Literal["safe", "nonnegative", "none"]

TAILS = (0.1, 99.9)
"""Percentiles that limit the sampled range, so that single frames do not move a wall."""


@dataclass(frozen=True)
class Constraint:
    """A physical condition, expressed as one or several linear inequalities.

    Arguments:
        name: name of the constraint, such as "repulsion".
        text: the condition in words, with its numbers.
        normals: rows g of the inequalities g . c >= bound.
        bounds: bounds [kcal/mol, kcal/mol/rad for slopes, or the unit of the coefficient].
    """

    name: str
    text: str
    normals: Float[np.ndarray, "rows n"]
    bounds: Float[np.ndarray, " rows"]


def stacked(chosen: Sequence[Constraint]) -> tuple[Float[np.ndarray, "rows n"], Float[np.ndarray, " rows"]]:
    """Normals and bounds of all rows of constraints; there must be at least one constraint."""
    return np.vstack([one.normals for one in chosen]), np.concatenate([one.bounds for one in chosen])


class Ground:
    """Data from which constraints are made.

    Arguments:
        factor: factor of the data.
        kT: thermal energy [kcal/mol].
        fixed: terms that are not fitted, with their coefficients.
        pooled: whether the fit holds the potentials of a term's groups together.
    """

    def __init__(self, factor: Factor, kT: float, fixed: tuple[Held, ...] = (), pooled: bool = False) -> None:
        self.factor, self.kT, self.layout = factor, kT, factor.fingerprint.layout
        self.fixed, self.pooled = fixed, pooled
        self._felt = np.linalg.norm(design(factor.S), axis=0) > 0

    def columns(self, term: Term, group: int) -> slice:
        """The columns of a group's coefficients."""
        start = self.layout.slices[term.name].start + group * term.basis.size
        return slice(start, start + term.basis.size)

    def feels(self, term: Term, group: int) -> bool:
        """Whether a group of a term acts on any bead in the data."""
        return bool(self._felt[self.columns(term, group)].any())

    def sampled(self, term: Term, group: int) -> tuple[float, float] | None:
        """The sampled range of a group's bonds, angles or dihedrals; None if it is empty or a single point."""
        return self._range(term, (group,))

    def shared(self, term: Term, group: int) -> tuple[float, float] | None:
        """The range in which a group's potential is known: its own sampled range or, if groups are pooled, that of all
        groups of the term. None if it is empty or a single point, or if the groups act on no bead in the data."""
        groups = range(len(term.group_labels)) if self.pooled else (group,)
        return self._range(term, groups) if any(self.feels(term, one) for one in groups) else None

    def percentile(self, term: Term, group: int, percent: float) -> float | None:
        """A percentile of a group's coordinates (for pairs, of the closest in each frame); None without data."""
        return percentile(self._counts(term, (group,)), edges_of(term), percent)

    def _counts(self, term: Term, groups: Sequence[int]) -> Int[np.ndarray, " bins"]:
        return np.sum([self.factor.histograms.of_group(term, one) for one in groups], axis=0)

    def _range(self, term: Term, groups: Sequence[int]) -> tuple[float, float] | None:
        counts = self._counts(term, groups)
        low, high = (percentile(counts, edges_of(term), percent) for percent in TAILS)
        if low is None or high is None or low == high:
            return None
        return self.factor.histograms.known(term.coordinate, (low, high))

    def rows(self, term: Term, group: int, values: Float[np.ndarray, "rows functions"]) -> Float[np.ndarray, "rows n"]:
        """Rows with these values for the coefficients of a group, 0 elsewhere."""
        rows = np.zeros((len(values), self.layout.size))
        rows[:, self.columns(term, group)] = values
        return rows


def percentile(counts: Int[np.ndarray, " bins"], edges: Float[np.ndarray, " edges"], percent: float) -> float | None:
    """The percentile of values given by a histogram, interpolated within its bin; None without values."""
    below = np.concatenate([[0], np.cumsum(counts)])
    if below[-1] == 0:
        return None
    rank = percent / 100 * below[-1]
    k = max(int(np.searchsorted(below, rank)) - 1, int(np.flatnonzero(counts)[0]))
    return float(edges[k] + (edges[k + 1] - edges[k]) * (rank - below[k]) / counts[k])


def labelled(name: str, term: Term, group: int) -> str:
    """The name of a constraint, with the names of the term, unless it is one of the prior's five, and of the group."""
    label = term.group_labels[group]
    own = name if term.parametrisation is not None else f"{name} of {term.name}"
    return f"{own}[{label}]" if label else own
