"""How rough the fitted potentials are: their curvature over the whole range of their basis.

    roughness² = mean over the range of (w U'')², added up over terms and groups

For a Fourier series that is w² / 2 sum_n n⁴ (p_n² + q_n²), p and q the coefficients of cosines and sines; see
`Basis.bending` for each basis. Parabolas and pairs of one function have no shape to smooth: data or contact decide.
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
"""Which potentials are measured alike: curvatures of bonds, of angles and dihedrals, and of pairs are nothing that can
be compared."""


class Bend(NamedTuple):
    """Rows of D for one group of a term, the coefficients that they are of, and what is measured alike."""

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
    """Those of all groups but the ones that have no data: their parameters stay as they are."""
    felt = np.linalg.norm(design(factor.S), axis=0) > 0
    return [bend for bend in _bends(factor.fingerprint.layout) if felt[bend.own].any()]


def data_bending(factor: Factor, units: Mapping[str, float] | None = None) -> Bending:
    """All of them in one matrix, times the root of their kind's unit; columns of coefficients without a shape are 0,
    and of groups without data."""
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
