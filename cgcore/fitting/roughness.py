"""The roughness of fitted potentials: their curvature over the whole range of their basis.

    roughness² = sum over terms and groups of the mean of (w U'')² over the range

For a Fourier series this is w² / 2 sum_n n⁴ (p_n² + q_n²), with p and q the coefficients of cosines and sines; see
`Basis.bending` for each basis. Parabolas and pairs with a single function have no shape to smooth; they are determined
by the data or by the contact constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, design
from cgcore.physics.coefficients import Layout

Bending = Float[np.ndarray, "rows n"]
"""A matrix D with |D c|² = roughness²."""


KINDS = {"bond": "bonds", "angle": "angles", "dihedral": "angles", "pair": "pairs"}
"""The kinds of potentials with a common unit of roughness: curvatures of bonds, of angles and dihedrals, and of pairs
cannot be compared."""


class Bend(NamedTuple):
    """The rows of D for one group of a term, their coefficients, and the kind of potential."""

    kind: str
    own: slice
    rows: Bending


@lru_cache(maxsize=16)
def _bends(layout: Layout) -> list[Bend]:
    found = []
    for term, own in zip(layout.terms, layout.slices.values(), strict=True):
        rows, size = term.weight * term.basis.bending(), term.basis.size
        if rows.any():
            starts = range(own.start, own.stop, size)
            found += [Bend(KINDS[term.coordinate], slice(k, k + size), rows) for k in starts]
    return found


def data_bends(factor: Factor) -> list[Bend]:
    """The rows of all groups with data; parameters of other groups are not changed."""
    felt = np.linalg.norm(design(factor.S), axis=0) > 0
    return [bend for bend in _bends(factor.fingerprint.layout) if felt[bend.own].any()]


def data_bending(factor: Factor, units: Mapping[str, float] | None = None) -> Bending:
    """The rows of all groups with data in one matrix, times the square root of their kind's unit; columns of
    coefficients without a shape or without data are 0."""
    bends = data_bends(factor)
    D, at = np.zeros((sum(len(rows) for _, _, rows in bends), factor.fingerprint.layout.size)), 0
    for kind, own, rows in bends:
        D[at : at + len(rows), own] = rows if units is None else np.sqrt(units[kind]) * rows
        at += len(rows)
    return D


def roughness_of(factor: Factor) -> Callable[[Coefficients], float]:
    """The roughness of coefficients of this factor's prior [kcal/mol/rad²]."""
    bends = _bends(factor.fingerprint.layout)
    return lambda c: float(np.sqrt(sum(np.sum((rows @ c[own]) ** 2) for _, own, rows in bends)))
