"""How rough the fitted potentials are: the curvature of the angle and dihedral series over their whole period.

    roughness² = mean over the period of (w U'')²,   U = sum_n p_n cos(n x) + q_n sin(n x)
               = w² / 2 sum_n n⁴ (p_n² + q_n²)        for each series, added up

Over the whole period the harmonics are orthogonal, so that every coefficient counts. The angle itself covers half of
it; over that half twenty harmonics are so nearly dependent that coefficients of 1e10 could cancel, and nothing in
float32 would be left of the potential. Bonds have no shape to smooth, and pairs have one coefficient, which data or
contact decide.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, design
from cgcore.physics.coefficients import Layout
from cgcore.physics.prior import Weights


def curvature(layout: Layout, weights: Weights) -> Float[np.ndarray, " n"]:
    """The diagonal of the matrix D with |D c|² = roughness² [1/rad²]; 0 for coefficients without a series."""
    diagonal = np.zeros(layout.size)
    for name, weight, harmonics in (
        ("angle", weights.angle, layout.n_angle),
        ("dihedral", weights.dihedral, layout.n_dihedral),
    ):
        squares = np.arange(1, harmonics + 1) ** 2.0
        diagonal[layout.terms[name]] = weight * np.tile(squares, 2) / np.sqrt(2)
    return diagonal


def data_curvature(factor: Factor) -> Float[np.ndarray, " n"]:
    """`curvature`, with 0 also for a term without data: its parameters stay as they are."""
    felt = np.linalg.norm(design(factor.S), axis=0) > 0
    return np.where(felt, curvature(factor.fingerprint.layout, factor.fingerprint.weights), 0.0)


def roughness_of(factor: Factor) -> Callable[[Coefficients], float]:
    """The roughness of coefficients of this factor's prior [kcal/mol/rad²]."""
    diagonal = curvature(factor.fingerprint.layout, factor.fingerprint.weights)
    return lambda c: float(np.linalg.norm(diagonal * c))
