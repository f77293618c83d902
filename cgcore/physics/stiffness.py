"""How stiff and how long a prior's bonds are: what a time step and the error of a force are held against."""

from __future__ import annotations

import numpy as np

from cgcore.physics.bases import Harmonic
from cgcore.physics.prior import Params, Prior

USUAL_LENGTH = 3.8
"""Distance of neighbouring C-alpha atoms across a trans peptide bond [Å]."""

LENGTHS = np.linspace(3.0, 5.0, 401)
"""Bond lengths [Å] over which potentials that are no parabolas are looked at."""


def bond_stiffness(prior: Prior, params: Params) -> float:
    """The largest curvature of the potentials of bonds [kcal/mol/Å²], weights included; 0 without bonds."""
    if prior.splines is not None:
        return prior.weights.bond * prior.splines.bond.largest_curvature()
    found = [0.0]
    for term in prior.terms:
        if term.coordinate != "bond":
            continue
        if term.parametrisation is not None:
            found.append(term.weight * float(np.asarray(params[term.params[1]])))
            continue
        for c in np.asarray(params[term.name], np.float64).reshape(-1, term.basis.size):
            if isinstance(term.basis, Harmonic):
                found.append(term.weight * float(c[0]))
            else:
                slopes = term.basis.slope(LENGTHS, c)
                found.append(term.weight * float(np.max(np.diff(slopes) / np.diff(LENGTHS))))
    return max(found)


def bond_length(prior: Prior) -> float:
    """The rest length of the prior's bonds [Å], where a parabola says it; else the usual one."""
    return float(prior.params.get("r0", USUAL_LENGTH)) or USUAL_LENGTH
