"""Each term's potential as a function of its coordinate, for the tables of exports and the plots of reports.

Functions take and return NumPy arrays, and compute in float64 whatever JAX's setting.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from cgcore.physics.bases import Basis, BSpline, DebyeHueckel, Fourier, Gaussian, Harmonic, Power
from cgcore.physics.prior import SPLINED, Params, Prior
from cgcore.physics.splines import Spline, Splines
from cgcore.physics.term import Term

Points = Float[np.ndarray, " points"]

_INSIDE = 1e-12
"""Fraction of a spline's range by which its ends are moved inwards, because the curvature jumps there."""


@partial(jax.jit, static_argnums=0)
def _second_derivatives(basis: Basis, x: Float[Any, " points"]) -> Float[Any, "points functions"]:
    """phi''(x), compiled once for all groups of a term."""
    return jax.vmap(jax.jacfwd(basis.derivatives))(x)


class Curve(ABC):
    """The potential of rows that share it, weight included, as a function of a distance [Å] or an angle [rad]; a
    dihedral has this package's sign (minus IUPAC's)."""

    @abstractmethod
    def energy(self, x: Points) -> Points:
        """The energy at each x [kcal/mol], as in `cgcore.energy`."""

    @abstractmethod
    def slope(self, x: Points) -> Points:
        """The derivative of the energy in x."""

    @abstractmethod
    def curvature(self, x: Points) -> Points:
        """The derivative of `slope`; at the ends of a spline, that from inside."""

    @property
    @abstractmethod
    def scale(self) -> float:
        """The smallest distance or angle over which it varies, such as an interval between knots; infinite if none."""

    @property
    def diverges(self) -> bool:
        """Whether the potential diverges at distance 0."""
        return False


@dataclass(frozen=True, eq=False)
class TermCurve(Curve):
    """The potential of one group of a term.

    Arguments:
        term: the term.
        params: all parameters by name.
        c: coefficients of the group, in float64.
        group: number of the group.
    """

    term: Term
    params: Params
    c: Float[np.ndarray, " functions"]
    group: int = 0

    def energy(self, x: Points) -> Points:
        way = self.term.parametrisation
        with jax.enable_x64(True):
            if way is None:
                found = self.c @ np.asarray(self.term.basis.functions(x))
            else:
                # The parametrisation includes constants that the basis lacks.
                found = np.asarray(jax.vmap(lambda at: way.energy(self.term.basis, at, self.params))(jnp.asarray(x)))
        return self.term.weight * found

    def slope(self, x: Points) -> Points:
        with jax.enable_x64(True):
            return self.term.weight * np.asarray(self.term.basis.slope(x, self.c))

    def curvature(self, x: Points) -> Points:
        basis = self.term.basis
        if isinstance(basis, BSpline):
            x = x + _INSIDE * (np.mean(basis.knots) - x)
        with jax.enable_x64(True):
            return self.term.weight * (np.asarray(_second_derivatives(basis, jnp.asarray(x))) @ self.c)

    @property
    def scale(self) -> float:
        match self.term.basis:
            case BSpline(knots=knots):
                return float(np.min(np.diff(knots)))
            case Fourier(harmonics=n):
                return np.pi / max(n, 1)
            case Gaussian(width=width):
                return 2 * width
            case Harmonic() | Power() | DebyeHueckel():
                return np.inf
        return 1.0 if self.term.coordinate in ("bond", "pair") else np.pi / 10

    @property
    def diverges(self) -> bool:
        bounded = isinstance(self.term.basis, BSpline | Harmonic | Gaussian)
        return self.term.coordinate in ("bond", "pair") and not bounded


@dataclass(frozen=True, eq=False)
class FixedSpline(Curve):
    """The potential of a spline from a file.

    Arguments:
        spline: the spline.
        weight: weight of its term.
        period: period of the coordinate; None for a constant energy outside the knots' range.
    """

    spline: Spline
    weight: float
    period: float | None = None

    def energy(self, x: Points) -> Points:
        d, c, _ = self._at(x)
        return self.weight * (c[0] + d * (c[1] + d * (c[2] + d * c[3])))

    def slope(self, x: Points) -> Points:
        d, c, inside = self._at(x)
        return self.weight * np.where(inside, c[1] + d * (2 * c[2] + d * 3 * c[3]), 0.0)

    def curvature(self, x: Points) -> Points:
        d, c, inside = self._at(x)
        return self.weight * np.where(inside, 2 * c[2] + d * 6 * c[3], 0.0)

    @property
    def scale(self) -> float:
        return float(np.min(np.diff(self.spline.knots)))

    def _at(self, x: Points) -> tuple[Points, Float[np.ndarray, "4 points"], np.ndarray]:
        """Distances from the knots below, the coefficients there, and whether each x is within the knots' range."""
        knots = self.spline.knots
        x = x if self.period is None else knots[0] + np.mod(x - knots[0], self.period)
        within = np.clip(x, knots[0], knots[-1])
        k = np.clip(np.searchsorted(knots, within, side="right") - 1, 0, len(knots) - 2)
        return within - knots[k], self.spline.coefficients[k].T, x == within


@dataclass(frozen=True, eq=False)
class Sum(Curve):
    """The sum of potentials.

    Arguments:
        of: potentials of one coordinate; the sum of none is 0.
    """

    of: Sequence[Curve]

    def energy(self, x: Points) -> Points:
        return sum((one.energy(x) for one in self.of), start=np.zeros_like(x))

    def slope(self, x: Points) -> Points:
        return sum((one.slope(x) for one in self.of), start=np.zeros_like(x))

    def curvature(self, x: Points) -> Points:
        return sum((one.curvature(x) for one in self.of), start=np.zeros_like(x))

    @property
    def scale(self) -> float:
        return min((one.scale for one in self.of), default=np.inf)

    @property
    def diverges(self) -> bool:
        return any(one.diverges for one in self.of)


@dataclass(frozen=True, eq=False)
class Potential:
    """All potentials of a term.

    Arguments:
        term: the term.
        curves: one for each group.
        labels: labels of the groups; a single empty one if all rows share a potential.
        own: number of the potential for each species, for splines of a file that depend on the species of the central
            bead; 0 is the shared potential. None for other terms.
    """

    term: Term
    curves: tuple[Curve, ...]
    labels: tuple[str, ...]
    own: Int[np.ndarray, " species"] | None = None

    @property
    def needs_species(self) -> bool:
        """Whether its groups depend on the species of the beads."""
        groups = self.term.groups
        return self.own is not None or (groups is not None and groups.by != "terminal")

    def rows(
        self, beads: int, species: Int[np.ndarray, " beads"] | None = None
    ) -> tuple[Int[np.ndarray, "rows per_row"], Int[np.ndarray, " rows"]]:
        """The rows of one whole chain that the term acts on, and the number of the potential of each.

        Arguments:
            beads: number of beads of the chain.
            species: species of the beads; None for all 0, with the shared potential for splines of a file.
        """
        term = self.term
        rows = term.rows.candidates(beads, False)
        if self.own is not None:
            kinds = np.full(beads, -1) if species is None else np.asarray(species)
            known = (kinds >= 0) & (kinds < len(self.own))
            return rows, np.where(known, self.own[np.where(known, kinds, 0)], 0)[rows[:, 1]]
        if term.groups is None:
            return rows, np.zeros(len(rows), int)
        group = term.row_groups(term.groups.classes(species, beads, None, beads), rows, np)
        return rows[group >= 0], group[group >= 0]


def potentials(prior: Prior, params: Params | None = None) -> tuple[Potential, ...]:
    """The potentials of all terms, in their order.

    Arguments:
        prior: the prior, including its splines.
        params: parameters by name; None for the prior's own.
    """
    given = prior.params if params is None else params
    values: Params = {name: np.asarray(value, np.float64) for name, value in given.items()}
    return tuple(
        _splined(term, prior.splines) if prior.splines is not None and term.name in SPLINED else _of_term(term, values)
        for term in prior.terms
    )


def _of_term(term: Term, params: Params) -> Potential:
    way = term.parametrisation
    c = params[term.name] if way is None else way.coefficients(params, np)
    groups = np.reshape(c, (len(term.group_labels), term.basis.size))
    return Potential(
        term, tuple(TermCurve(term, params, own, group) for group, own in enumerate(groups)), term.group_labels
    )


def _splined(term: Term, splines: Splines) -> Potential:
    spline: Spline = getattr(splines, term.name)
    shared = FixedSpline(spline, term.weight, 2 * np.pi if term.name == "dihedral" else None)
    types: Any = splines.angle_types if term.name == "angle" else None
    if types is None:
        return Potential(term, (shared,), ("",))
    kinds = np.flatnonzero(types.own)
    own = np.zeros(len(types.own), int)
    own[kinds] = np.arange(1, len(kinds) + 1)
    typed = (FixedSpline(Spline(types.knots[k], types.coefficients[k]), term.weight) for k in kinds)
    return Potential(term, (shared, *typed), ("other species", *(f"species {k}" for k in kinds)), own)
