"""The objective of a fit by blocks, expanded around the fit: all that refits to resampled data need.

In the whitened coordinates y of the fit, with coefficients c = centre + basis @ y, the objective for data in which
block b has the weight `weights[b]` is

    sum_b w_b |A_b y - s_b|² + |P y - t|²,    w_b = weights[b] / sum_b' weights[b'] share_b'

where A_b and s_b follow from the block's triangular factor, and P and t from the penalties for roughness and groups. If
all weights are 1, its Hessian is 2 in every direction, so that no digits are lost by working with A_b^T A_b, while many
would be lost in coefficients. Smoothness, constraints, and the sampled ranges behind these are those of all data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from cgcore.factor.block import Block
from cgcore.factor.triangle import Coefficients, Triangle, design, target
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.ground import stacked
from cgcore.fitting.polyhedra import nearest_points

if TYPE_CHECKING:
    from cgcore.fitting.result import FitResult

MOST_REFITTED = 200
"""Largest number of directions for which every resample is refitted exactly. With more, each refit is one Newton step
from the fit with the curvature of all data, which is correct to first order."""

AT_ONCE = 2**22
"""Largest number of elements in the Hessians that are inverted at a time (32 MiB)."""

INFINITELY = 1e100
"""A very large coefficient whose square is still finite."""

LOST = 1e-12
"""Added to the diagonal of Hessians, which is 1 for all data, so that directions without data in a resample stay at the
fit."""


@dataclass(frozen=True, eq=False)
class Quadratics:
    """The objective of a fit by blocks, in coordinates y, with y = 0 at the fit.

    Arguments:
        blocks: blocks of the data.
        shares: fraction of the loss's denominator in each block; they add up to 1.
        designs: matrices A_b; the sum of |A_b y - s_b|² over blocks is the loss.
        residuals: vectors s_b.
        penalty: matrix P.
        penalised: vector t.
        normals: rows of the constraints normals @ y >= bounds.
        bounds: bounds of the constraints.
        basis: change of the coefficients per unit of each y.
        left: the same for directions that are not fitted; practically infinite for a coefficient without data.
        centre: coefficients of the fit.
    """

    blocks: tuple[Block, ...]
    shares: Float[np.ndarray, " blocks"]
    designs: Float[np.ndarray, "blocks m k"]
    residuals: Float[np.ndarray, "blocks m"]
    penalty: Float[np.ndarray, "rows k"]
    penalised: Float[np.ndarray, " rows"]
    normals: Float[np.ndarray, "constraints k"]
    bounds: Float[np.ndarray, " constraints"]
    basis: Float[np.ndarray, "n k"]
    left: Float[np.ndarray, "n others"]
    centre: Coefficients

    @cached_property
    def hessians(self) -> Float[np.ndarray, "blocks k k"]:
        """A_b^T A_b."""
        return self.designs.transpose(0, 2, 1) @ self.designs

    @cached_property
    def hessian(self) -> Float[np.ndarray, "k k"]:
        """The sum of `hessians`: how far the data, and not the penalty, determine each direction."""
        flat = self.designs.reshape(-1, self.designs.shape[2])
        return flat.T @ flat

    @cached_property
    def gradients(self) -> Float[np.ndarray, "blocks k"]:
        """A_b^T s_b: the direction in which each block pulls the fit."""
        return np.einsum("bmk,bm->bk", self.designs, self.residuals)

    @property
    def scores(self) -> Float[np.ndarray, "blocks k"]:
        """`gradients` minus each block's share of their sum, so that the scores add up to 0."""
        return self.gradients - self.shares[:, None] * self.gradients.sum(axis=0)

    @cached_property
    def losses(self) -> Float[np.ndarray, " blocks"]:
        """|s_b|²: the contribution of each block to the loss of the fit [(kcal/mol/Å)²]."""
        return np.sum(self.residuals**2, axis=1)

    def decided(self, gradients: Float[np.ndarray, "*rows n"]) -> Float[np.ndarray, "*rows"]:
        """The fraction of each quantity that the data determine, as opposed to the smoothness penalty or the initial
        values of directions that are not fitted; 1 if the data determine it completely.

        A quantity changes by v_k along eigenvector k of `hessian`, whose eigenvalue is the fraction that the data
        determine. The result is the mean of these fractions, weighted by v_k². The rows of `gradients` are derivatives
        with respect to the coefficients; a row of zeros gives 0.
        """
        fitted, others = gradients @ self.basis, gradients @ self.left
        whole = np.sum(fitted**2, axis=-1) + np.sum(others**2, axis=-1)
        part = np.einsum("...i,ij,...j->...", fitted, self.hessian, fitted)
        return np.asarray(part / np.where(whole > 0, whole, 1.0))

    def coefficients(self, y: Float[np.ndarray, "*cases k"]) -> Float[np.ndarray, "*cases n"]:
        """Coefficients at y."""
        return self.centre + y @ self.basis.T

    def losses_at(self, y: Float[np.ndarray, "cases k"]) -> Float[np.ndarray, "cases blocks"]:
        """The contribution of each block to the loss at y [(kcal/mol/Å)²]."""
        found = np.zeros((len(y), len(self.shares)))
        for b, (A, s) in enumerate(zip(self.designs, self.residuals, strict=True)):
            found[:, b] = np.sum((y @ A.T - s) ** 2, axis=1)
        return found

    def refits(self, weights: Float[np.ndarray, "cases blocks"]) -> Float[np.ndarray, "cases k"]:
        """The fits to data with these weights of the blocks, with the same penalties and constraints."""
        relative = weights / (weights @ self.shares)[:, None]
        pull = relative @ self.gradients + self.penalty.T @ self.penalised
        fixed = self.penalty.T @ self.penalty + LOST * np.eye(self.penalty.shape[1])
        if len(fixed) > MOST_REFITTED:
            inverse = np.linalg.inv(self.hessian + fixed)
            return nearest_points(pull @ inverse, inverse[None], self.normals, self.bounds)
        found = np.empty_like(pull)
        size = max(AT_ONCE // max(fixed.size, 1), 1)
        flat = self.hessians.reshape(len(self.shares), -1)
        for start in range(0, len(pull), size):
            now = slice(start, start + size)
            hessians = (relative[now] @ flat).reshape(-1, *fixed.shape) + fixed
            inverses = np.linalg.inv(hessians)
            free = np.einsum("rij,rj->ri", inverses, pull[now])
            found[now] = nearest_points(free, inverses, self.normals, self.bounds)
        return found


def quadratics(result: FitResult, blocks: Sequence[Block] | None = None) -> Quadratics:
    """The objective of a fit by blocks.

    Arguments:
        result: the fit.
        blocks: blocks of other data to evaluate, for the same terms; None for those that were fitted to.
    """
    freedom, plan = Freedom.of(result.prior), result.plan
    given = freedom.factor(result.factor).blocks if blocks is None else tuple(blocks)
    weights = np.array([block.weight for block in given])
    centre, basis = freedom.coefficients(result.fitted_params), result.admissible.basis
    root = np.sqrt(max(weights.sum(), 1.0))
    columns = [np.zeros((0, len(basis) + 1))]
    if plan.smoothing is not None:
        columns.append(plan.smoothing.penalty)
    penalty = np.vstack(columns)
    normals, bounds = np.zeros((0, len(centre))), np.zeros(0)
    if result.admissible.constraints:
        normals, bounds = stacked(result.admissible.constraints)
    return Quadratics(
        blocks=given,
        shares=weights / weights.sum(),
        designs=np.array([design(block.S) @ basis for block in given]) / root,
        residuals=np.array([target(block.S) - design(block.S) @ centre for block in given]) / root,
        penalty=penalty[:, :-1] @ basis,
        penalised=penalty[:, -1] - penalty[:, :-1] @ centre,
        normals=normals @ basis,
        bounds=bounds - normals @ centre,
        basis=basis,
        left=np.hstack([plan.spectrum.basis[:, ~plan.kept], _unmoved(plan.objective)]),
        centre=centre,
    )


def _unmoved(objective: Triangle) -> Float[np.ndarray, "n unmoved"]:
    """A direction for each coefficient that neither data nor penalty determine."""
    return INFINITELY * np.eye(len(objective) - 1)[:, ~design(objective).any(axis=0)]
