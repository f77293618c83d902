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
def bending(layout: Layout) -> Bending:
    """D of all terms, not to be written to; columns of coefficients without a shape are 0."""
    blocks = []
    for term, own in zip(layout.terms, layout.slices.values(), strict=True):
        rows = np.kron(np.eye(len(term.group_labels)), term.weight * term.basis.bending())
        block = np.zeros((len(rows), layout.size))
        block[:, own] = rows
        blocks.append(block)
    D = np.vstack(blocks)
    D.setflags(write=False)
    return D


def data_bending(factor: Factor) -> Bending:
    """`bending`, with 0 also for a group without data: its parameters stay as they are."""
    D, columns = bending(factor.fingerprint.layout).copy(), design(factor.S)
    felt = np.linalg.norm(columns, axis=0) > 0
    layout = factor.fingerprint.layout
    for term, own in zip(layout.terms, layout.slices.values(), strict=True):
        for k in range(len(term.group_labels)):
            group = slice(own.start + k * term.basis.size, own.start + (k + 1) * term.basis.size)
            if not felt[group].any():
                D[:, group] = 0.0
    return D[D.any(axis=1)]


def roughness_of(factor: Factor) -> Callable[[Coefficients], float]:
    """The roughness of coefficients of this factor's prior [kcal/mol/rad²]."""
    D = bending(factor.fingerprint.layout)
    return lambda c: float(np.linalg.norm(D @ c))
