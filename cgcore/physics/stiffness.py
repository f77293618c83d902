"""Stiffness of a prior's bonds, which sets the scale for time steps and for errors of forces."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from cgcore.physics.bases import Basis, Harmonic
from cgcore.physics.coefficients import to_coefficients
from cgcore.physics.prior import Params, Prior

LENGTHS = np.linspace(3.0, 5.0, 401)
"""Bond lengths [Å] at which the curvature of potentials that are not harmonic is evaluated."""


def bond_stiffness(prior: Prior, params: Params) -> float:
    """The largest curvature of the bond potentials [kcal/mol/Å²], including weights; 0 without bonds."""
    if prior.splines is not None:
        return prior.weights.bond * prior.splines.bond.largest_curvature()
    found = [0.0]
    for term in prior.terms:
        if term.coordinate == "bond":
            each = np.asarray(to_coefficients(params, terms=(term,)), np.float64).reshape(-1, term.basis.size)
            found += [term.weight * _largest_curvature(term.basis, c) for c in each]
    return max(found)


def _largest_curvature(basis: Basis, c: Float[np.ndarray, " size"]) -> float:
    if isinstance(basis, Harmonic):
        return float(c[0])
    return float(np.max(np.diff(basis.slope(LENGTHS, c)) / np.diff(LENGTHS)))
