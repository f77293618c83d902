"""The admissible set in the coordinates of a fit: the nearest admissible coefficients, and their optimality.

In whitened coordinates y the objective is |y - y*|² plus its minimum, so the constrained optimum is the point of a
polyhedron that is nearest to the free optimum y*. The certificate does not depend on how this point was found: the
multipliers give a lower bound of the objective by weak duality (Boyd and Vandenberghe, Convex Optimization, 5.1.3),

    q(m) = minimum + m^T (bounds - N y*) - |N^T m|² / 4     for any m >= 0,

and the duality gap is the difference between the objective and this bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from cgcore.errors import InputError
from cgcore.factor.triangle import Coefficients
from cgcore.fitting.constraints import Constraint
from cgcore.fitting.ground import stacked
from cgcore.fitting.projection import Empty, Polyhedron, Projection
from cgcore.fitting.spectrum import Spectrum


@dataclass(frozen=True)
class ConstraintReport:
    """The effect of a constraint on a fit.

    Arguments:
        name: name of the constraint.
        text: the condition, in physical terms.
        active: whether the fit would be different without it.
        multiplier: by how much the objective falls for each unit by which the bound is relaxed, summed over its rows
            [(kcal/mol/Å)² per unit of the bound].
        price: by how much the objective falls if this constraint alone is dropped [(kcal/mol/Å)²].
    """

    name: str
    text: str
    active: bool
    multiplier: float
    price: float


class Admitted(NamedTuple):
    """The nearest admissible coefficients.

    `bound` is the lower bound of the objective given by the multipliers, minus the free minimum [(kcal/mol/Å)²];
    `residual` is the largest relative violation of the Karush-Kuhn-Tucker (KKT) conditions; `gradient` is the norm of
    the gradient of the Lagrangian.
    """

    coefficients: Coefficients
    bound: float
    residual: float
    gradient: float
    reports: tuple[ConstraintReport, ...]


STRAIGHT = 1e-4
"""Straight potentials have no roughness. This fraction of each coefficient's own roughness is added, so that the
smoothest coefficients are unique."""


def smoothest(constraints: Sequence[Constraint], bending: Float[np.ndarray, "rows n"]) -> Coefficients:
    """The coefficients of smallest roughness that satisfy the constraints on potentials with a shape.

    Arguments:
        constraints: the constraints; those that involve parabolas or pairs with a single function are left out.
        bending: the matrix D with |D c|² = roughness².

    Raises:
        InputError: no coefficients satisfy them.
    """
    shaped, c = bending.any(axis=0), np.zeros(bending.shape[1])
    chosen = [one for one in constraints if not one.normals[:, ~shaped].any()]
    if chosen:
        normals, bounds, owner = _stacked(chosen)
        D = bending[:, shaped]
        if not _diagonal(D):
            D = np.asarray(np.linalg.qr(np.vstack([D, STRAIGHT * np.diag(np.linalg.norm(D, axis=0))]), mode="r"))
        with _named(chosen, owner):
            found = Polyhedron(np.linalg.solve(D.T, normals[:, shaped].T).T, bounds).nearest(np.zeros(len(D)))
        c[shaped] = np.linalg.solve(D, found.point)
    return c


def _diagonal(D: Float[np.ndarray, "rows n"]) -> bool:
    return D.shape[0] == D.shape[1] and bool(np.count_nonzero(D) == np.count_nonzero(np.diag(D)))


@dataclass(frozen=True, eq=False)
class Admissible:
    """All coefficients that satisfy the constraints and differ from `start` along the kept directions only.

    Arguments:
        constraints: the constraints.
        basis: a column for each kept direction, scaled so that the objective changes by 1 per squared unit.
        start: initial coefficients.
    """

    constraints: tuple[Constraint, ...]
    basis: Float[np.ndarray, "n kept"]
    start: Coefficients

    def __repr__(self) -> str:
        return f"Admissible({len(self.constraints)} constraints, {self.basis.shape[1]} directions)"

    @classmethod
    def of(
        cls, constraints: Sequence[Constraint], spectrum: Spectrum, start: Coefficients, kept: Bool[np.ndarray, " n"]
    ) -> Admissible:
        """The set in the coordinates of a spectrum."""
        return cls(tuple(constraints), spectrum.basis[:, kept], start)

    def admit(self, near: Float[np.ndarray, " kept"], best: Float[np.ndarray, " kept"]) -> Admitted:
        """The admissible point nearest to `near`, where a solver ended, judged by its distance to `best`, the exact
        free optimum.

        Raises:
            InputError: no coefficients satisfy all constraints along the kept directions.
        """
        normals, bounds, _ = self._rows
        found = self._nearest(near)
        y, m = found.point, found.multipliers
        excess = float(np.sum((y - best) ** 2))
        bound = float(m @ (bounds - normals @ best) - np.sum((normals.T @ m) ** 2) / 4)
        gradient = 2 * (y - best) - normals.T @ m
        return Admitted(
            coefficients=self._signed(self.start + self.basis @ y),
            bound=bound,
            residual=_optimality(y, best, m, normals, bounds, gradient),
            gradient=float(np.linalg.norm(gradient)),
            reports=self._reports(m, best, excess),
        )

    def violation(self, c: Coefficients) -> float:
        """The violation of the constraints by c: the change of the forces that would remove it, root mean square per
        bead [kcal/mol/Å]."""
        if not self.constraints:
            return 0.0
        G, h, _ = _stacked(self.constraints)
        size = np.linalg.norm(G @ self.basis, axis=1)
        missing = h - G @ c
        return float(np.max(np.divide(missing, size, out=np.zeros_like(missing), where=size > 0), initial=0.0))

    def nearest(self, c: Coefficients) -> tuple[Coefficients, float]:
        """The nearest admissible coefficients, and their distance: the change of the forces, root mean square per bead
        [kcal/mol/Å]."""
        y = np.linalg.lstsq(self.basis, c - self.start, rcond=None)[0]
        found = self._nearest(y).point
        return c + self.basis @ (found - y), float(np.linalg.norm(found - y))

    @cached_property
    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Normals and bounds in the coordinates y, and the index of each row's constraint."""
        if not self.constraints:
            return np.zeros((0, self.basis.shape[1])), np.zeros(0), np.zeros(0, int)
        G, h, owner = _stacked(self.constraints)
        return G @ self.basis, h - G @ self.start, owner

    @cached_property
    def _polyhedron(self) -> Polyhedron:
        return Polyhedron(*self._rows[:2])

    def _nearest(self, y: np.ndarray, among: np.ndarray | None = None, likely: np.ndarray | None = None) -> Projection:
        with _named(self.constraints, self._rows[2]):
            return self._polyhedron.nearest(y, among, likely)

    def _signed(self, c: Coefficients) -> Coefficients:
        """Replace by 0 the coefficients that have the wrong sign because of rounding."""
        c = c.copy()
        for constraint in self.constraints:
            for row, bound in zip(constraint.normals, constraint.bounds, strict=True):
                (columns,) = np.nonzero(row)
                if bound == 0 and len(columns) == 1 and row[columns[0]] * c[columns[0]] < 0:
                    c[columns] = 0.0
        return c

    def _reports(self, multipliers: np.ndarray, best: np.ndarray, excess: float) -> tuple[ConstraintReport, ...]:
        _, _, owner = self._rows
        reports = []
        for k, constraint in enumerate(self.constraints):
            total = float(multipliers[owner == k].sum())
            price = 0.0
            if total > 0:
                others = self._nearest(best, owner != k, multipliers > 0).point
                price = max(excess - float(np.sum((others - best) ** 2)), 0.0)
            reports.append(ConstraintReport(constraint.name, constraint.text, total > 0, total, price))
        return tuple(reports)


def _stacked(chosen: Sequence[Constraint]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normals and bounds in coefficients, and the index of each row's constraint."""
    owner = np.repeat(np.arange(len(chosen)), [len(one.bounds) for one in chosen])
    return *stacked(chosen), owner


@contextmanager
def _named(chosen: Sequence[Constraint], owner: np.ndarray) -> Iterator[None]:
    """A context that turns `Empty` into an InputError that names the contradictory constraints."""
    try:
        yield
    except Empty as empty:
        names = list(dict.fromkeys(chosen[k].text for k in owner[empty.rows]))
        raise InputError(
            f"the constraints can't be met together ({'; '.join(names)}); give the angle more harmonics, lower "
            "the truncation, or choose constraints nonnegative or none"
        ) from None


def _optimality(
    y: np.ndarray, best: np.ndarray, m: np.ndarray, normals: np.ndarray, bounds: np.ndarray, gradient: np.ndarray
) -> float:
    """The largest of infeasibility, negative multipliers, complementarity and gradient of the Lagrangian, relative to
    the size of the distances and multipliers involved."""
    size = np.linalg.norm(normals, axis=1)
    unit = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
    slack, forces = (normals @ y - bounds) * unit, m * size
    reach = 1 + np.linalg.norm(y) + np.abs(bounds * unit).max(initial=0.0)
    strength = 1 + np.linalg.norm(forces)
    return float(
        max(
            np.max(-slack, initial=0.0) / reach,
            np.max(-forces, initial=0.0) / strength,
            np.max(np.abs(forces * slack), initial=0.0) / (strength * reach),
            np.linalg.norm(gradient) / (strength + np.linalg.norm(y - best)),
        )
    )
