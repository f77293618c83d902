"""Internal coordinates, their gradients, and forces of potentials, in NumPy and without code of either program.

Bonds, angles and dihedrals are those of `validation.explicit`, with gradients by complex-step differentiation. Its
dihedral has cgcore's sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

from validation.explicit import SPANS, value_and_gradient

NEAREST = 4
"""Smallest separation of pairs along the chain: csg_fmatch excludes beads that share a dihedral."""

Slopes = Mapping[str, Callable[[np.ndarray], np.ndarray]]
"""U'(x) of each term by name [kcal/mol/Å or kcal/mol/rad]."""

TOGETHER = 100
"""Number of frames that are computed at once, which bounds memory."""


def rows(name: str, beads: int) -> Int[np.ndarray, "rows span"]:
    """The bonds, angles or dihedrals of a chain."""
    return np.arange(beads - SPANS[name] + 1)[:, None] + np.arange(SPANS[name])


def measured(
    name: str, R: Float[np.ndarray, "frames beads 3"]
) -> tuple[Float[np.ndarray, "frames rows"], Float[np.ndarray, "frames rows span 3"]]:
    """Lengths [Å], angles or dihedrals [rad], and their gradients."""
    return value_and_gradient(name, R[:, rows(name, R.shape[1])])


def distances(
    R: Float[np.ndarray, "frames beads 3"],
) -> tuple[Float[np.ndarray, "frames pairs"], Float[np.ndarray, "frames pairs 3"], Int[np.ndarray, "2 pairs"]]:
    """Distances of pairs [Å], the unit vectors from the second bead to the first, and the beads."""
    i, j = np.triu_indices(R.shape[1], NEAREST)
    apart = R[:, i] - R[:, j]
    r = np.linalg.norm(apart, axis=-1)
    return r, apart / r[..., None], np.stack([i, j])


def forces(R: Float[np.ndarray, "frames beads 3"], slopes: Slopes) -> Float[np.ndarray, "frames beads 3"]:
    """Minus the gradient of the terms that have slopes [kcal/mol/Å]."""
    F = np.zeros(R.shape)
    for name in (name for name in SPANS if name in slopes):
        x, gradient = measured(name, R)
        pull = slopes[name](x)[..., None, None] * gradient
        for k in range(SPANS[name]):
            F[:, k : k + x.shape[1]] -= pull[:, :, k]
    if "pair" not in slopes:
        return F
    r, unit, (i, j) = distances(R)
    pull = slopes["pair"](r)[..., None] * unit
    matrix = np.zeros((R.shape[1], len(i)))
    matrix[i, np.arange(len(i))], matrix[j, np.arange(len(j))] = -1.0, 1.0
    return F + matrix @ pull


def squared_residuals(
    R: Float[np.ndarray, "frames beads 3"], F: Float[np.ndarray, "frames beads 3"], slopes: Slopes
) -> float:
    """The sum over beads of the squared difference from the forces F [(kcal/mol/Å)²]."""
    parts = [slice(k, k + TOGETHER) for k in range(0, len(R), TOGETHER)]
    return sum(float(np.sum((forces(R[part], slopes) - F[part]) ** 2)) for part in parts)
