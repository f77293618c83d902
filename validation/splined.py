"""Splines from a file, evaluated with SciPy: energies and forces by species, on chains with gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy.interpolate import CubicSpline

from cgcore.physics.rows import Rows
from cgcore.physics.splines import Spline, Splines, TypedSplines
from validation import explicit, explicit_terms
from validation.explicit import Array

KINDS: dict[str, Literal["bonds", "angles", "dihedrals"]] = {
    "bond": "bonds",
    "angle": "angles",
    "dihedral": "dihedrals",
}


@dataclass(frozen=True)
class Drawn:
    """Splines as SciPy objects.

    Arguments:
        shared: splines of bonds [Å], angles and dihedrals [rad].
        typed: splines of angles, by the species of the central bead; other species use the shared one.
    """

    shared: Mapping[str, CubicSpline]
    typed: Mapping[int, CubicSpline]

    @cached_property
    def given(self) -> Splines:
        """The splines as cgcore takes them."""
        named: dict[str, Any] = {name: Spline(one.x, one.c[::-1].T) for name, one in self.shared.items()}
        species = range(max(self.typed) + 1)
        each = [self.of("angle", kind) for kind in species]
        # Species without a spline get numbers that must not be read.
        scale = np.array([1.0 if kind in self.typed else 100.0 for kind in species])
        coefficients = scale[:, None, None] * np.stack([one.c[::-1].T for one in each])
        own = np.array([kind in self.typed for kind in species])
        return Splines(**named, angle_types=TypedSplines(np.stack([one.x for one in each]), coefficients, own))

    def of(self, name: str, species: int) -> CubicSpline:
        """The spline of a row whose central bead has this species."""
        return self.typed.get(species, self.shared[name]) if name == "angle" else self.shared[name]

    def energies(self, R: Array, weights: Any, species: Array, sites: Array) -> dict[str, float]:
        """Energy [kcal/mol] of each term of one frame without padding, by name."""
        found = {}
        for name in KINDS:
            rows, kinds = _rows(name, species, sites)
            x = explicit.value(name, R[rows])
            found[name] = getattr(weights, name) * float(np.sum(self._at(name, x, kinds, 0)))
        return found

    def forces(self, R: Array, weights: Any, species: Array, sites: Array) -> Array:
        """Forces [kcal/mol/Å] of all terms on the beads of one frame without padding."""
        F = np.zeros_like(R)
        for name in KINDS:
            rows, kinds = _rows(name, species, sites)
            x, gradient = explicit.value_and_gradient(name, R[rows])
            slope = getattr(weights, name) * self._at(name, x, kinds, 1)
            np.add.at(F, rows, -slope[:, None, None] * gradient)
        return F

    def _at(self, name: str, x: Array, species: Array, order: int) -> Array:
        """Energies or slopes; slopes are 0 beyond the knots of a spline that is not periodic."""
        found = np.empty_like(x)
        for k, (at, kind) in enumerate(zip(x, species, strict=True)):
            spline = self.of(name, int(kind))
            inside = at if name == "dihedral" else np.clip(at, spline.x[0], spline.x[-1])
            found[k] = spline(inside, order) * (order == 0 or at == inside)
        return found


def drawn() -> Drawn:
    """Random splines of a few kcal/mol, including two for angles around beads of species 0 and 2."""
    rng = np.random.default_rng(2)

    def of(knots: Array, ends: str) -> CubicSpline:
        y = rng.normal(size=len(knots)) * 5
        if ends == "periodic":
            y[-1] = y[0]
        return CubicSpline(knots, y, bc_type=ends)

    return Drawn(
        {
            # No force at the ends, because a LAMMPS table has no steps.
            "bond": of(np.linspace(3.0, 4.6, 6), "clamped"),
            "angle": of(np.linspace(0.0, np.pi, 7), "natural"),
            "dihedral": of(np.linspace(-np.pi, np.pi, 7), "periodic"),
        },
        {0: of(np.linspace(0.9, 2.9, 7), "clamped"), 2: of(np.linspace(1.0, 3.0, 7), "clamped")},
    )


def _rows(name: str, species: Array, sites: Array) -> tuple[Array, Array]:
    """The rows of a term, and the species of the second bead of each row."""
    kind = KINDS[name]
    rows = np.array(explicit_terms.rows_of(Rows(kind), sites), int).reshape(-1, explicit_terms.BEADS[kind])
    return rows, np.asarray(species)[rows[:, 1]]
