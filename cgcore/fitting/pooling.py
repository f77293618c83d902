"""Partial pooling: a group's potential differs from the shared one only as far as held-out data justify.

The penalty strength * (sum over groups) is added to the objective. For each group it is the mean square force by which
the group's potential differs from the shared one, if both acted on all rows of the term:

    strength / groups * sum_g (c_g - c)^T M (c_g - c),    M = sum_g A_g^T A_g / beads,    c = sum_g n_g c_g

where n_g is the fraction of the term's squared forces that act on group g. A strength of 0 fits each group
independently, and a large strength gives the shared potential; a group without data gets the shared potential.
Differences are measured by forces and not by coefficients, so that the choice of basis does not matter.

Source: Gelman and Hill, Data Analysis Using Regression and Multilevel/Hierarchical Models (2007), chapter 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, design
from cgcore.fitting.cross_validation import Curve, cross_validated
from cgcore.fitting.path import Path
from cgcore.fitting.roughness import roughness_of
from cgcore.fitting.smoothing import Smoothing

STRENGTHS = (100.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5)
"""The grid of the cross-validation, starting with the shared potential."""

PROTEINS = 3
"""From this number on, proteins are held out instead of frames. With two, each fit would be to a single protein."""

FALLBACK = 0.1
"""The strength if there are too few data for folds."""


class Pooling(NamedTuple):
    """The strength of the pooling, and the curve that chose it; None if the strength was given."""

    strength: float
    curve: Curve | None


def pooling_rows(factor: Factor) -> Float[np.ndarray, "rows n"]:
    """The matrix P for which |P c|² is the penalty of strength 1 [(kcal/mol/Å)²]; no rows if no term has groups."""
    layout, A = factor.fingerprint.layout, design(factor.S) / np.sqrt(max(factor.beads, 1))
    blocks = [np.zeros((0, layout.size))]
    for term, own in zip(layout.terms, layout.slices.values(), strict=True):
        groups, size = len(term.group_labels), term.basis.size
        if groups == 1:
            continue
        each = A[:, own].reshape(len(A), groups, size).transpose(1, 0, 2)
        parts = np.sum(each**2, axis=(1, 2))
        if parts.sum() == 0:
            continue
        differences = np.eye(groups) - parts / parts.sum()
        R = np.asarray(np.linalg.qr(each.reshape(-1, size), mode="r"))
        block = np.zeros((groups * len(R), layout.size))
        block[:, own] = np.kron(differences, R) / np.sqrt(groups)
        blocks.append(block)
    return np.vstack(blocks)


def pooling_curve(
    factor: Factor, smoothing: Smoothing, start: Coefficients, grid: Sequence[float] = STRENGTHS
) -> Curve | None:
    """The cross-validated curve over strengths, with a fixed smoothness penalty; None if there are too few data for two
    folds.

    With three proteins or more, each of them is held out in turn. Held-out frames cannot show whether what is learned
    about a residue type in one protein is true in another: the type has the same neighbours in all frames of a protein.
    """
    bent = np.column_stack([smoothing.rows, smoothing.rows @ smoothing.smoothest])
    shares = np.array(grid) / grid[0]
    path = Path(factor, np.sqrt(grid[0]) * pooling_rows(factor), shares, start, np.zeros_like(start), bent)
    held = "protein" if len(factor.proteins) >= PROTEINS else "time"
    return cross_validated("pooling", grid, factor, path, path.directions(), roughness_of(factor), held)
