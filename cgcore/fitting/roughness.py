"""How rough the fitted potentials are: their curvature over the whole range of their basis.

    roughness² = mean over the range of (w U'')², added up over terms and groups

For a Fourier series that is w² / 2 sum_n n⁴ (p_n² + q_n²), p and q the coefficients of cosines and sines; see
`Basis.bending` for each basis. Parabolas and pairs of one function have no shape to smooth: data or contact decide.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, design
from cgcore.physics.coefficients import Layout

Bending = Float[np.ndarray, "rows n"]
"""A matrix D with |D c|² = roughness²."""


@lru_cache(maxsize=16)
def _bends(layout: Layout) -> list[tuple[slice, Bending]]:
    """The rows of D and the coefficients that they are of, for each group of each term that has a shape."""
    found = []
    for term, own in zip(layout.terms, layout.slices.values(), strict=True):
        rows, size = term.weight * term.basis.bending(), term.basis.size
        if rows.any():
            found += [(slice(k, k + size), rows) for k in range(own.start, own.stop, size)]
    return found


def data_bends(factor: Factor) -> list[tuple[slice, Bending]]:
    """The rows of D and the coefficients that they are of, without the groups that have no data: their parameters stay
    as they are."""
    felt = np.linalg.norm(design(factor.S), axis=0) > 0
    return [(own, rows) for own, rows in _bends(factor.fingerprint.layout) if felt[own].any()]


def data_bending(factor: Factor) -> Bending:
    """All of them in one matrix; columns of coefficients without a shape are 0, and of groups without data."""
    bends = data_bends(factor)
    D, at = np.zeros((sum(len(rows) for _, rows in bends), factor.fingerprint.layout.size)), 0
    for own, rows in bends:
        D[at : at + len(rows), own] = rows
        at += len(rows)
    return D


def roughness_of(factor: Factor) -> Callable[[Coefficients], float]:
    """The roughness of coefficients of this factor's prior [kcal/mol/rad²]."""
    bends = _bends(factor.fingerprint.layout)
    return lambda c: float(np.sqrt(sum(np.sum((rows @ c[own]) ** 2) for own, rows in bends)))
