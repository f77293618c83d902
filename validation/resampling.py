"""Refits to resampled frames, by least squares on explicit matrices. No cgcore code.

Blocks of frames are pooled until neighbouring pools are uncorrelated, pools are drawn with replacement, and the fit is
repeated for each draw. Products of the pools' contributions to an error are taken in forces, so that they do not depend
on coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from validation.admissible import smoothed
from validation.explicit import Array, System, coefficients, matrix

FEWEST, FEWEST_OF_PROTEIN = 5, 4
"""Smallest total number of pools, and smallest number for each protein if proteins are strata."""


@dataclass(frozen=True)
class Blocks:
    """Frames in blocks of consecutive frames, and the penalty |P c - t|² of a fit to them.

    Arguments:
        parts: the system of each block.
        proteins: number of each block's protein, in the order of the blocks.
        penalty: P.
        penalised: t.
        c: coefficients of the fit to all blocks.
    """

    parts: tuple[System, ...]
    proteins: Array
    penalty: Array
    penalised: Array
    c: Array

    @cached_property
    def beads(self) -> Array:
        """Number of beads of each block."""
        return np.array([part.beads for part in self.parts], float)

    @property
    def shares(self) -> Array:
        """Fraction of the beads in each block."""
        return self.beads / self.beads.sum()

    @cached_property
    def _roots(self) -> list[Array]:
        """The R of the QR decomposition of [X | F] for each block, which determines its sums of squares."""
        return [np.asarray(np.linalg.qr(np.column_stack([one.X, one.F]), mode="r")) for one in self.parts]

    def losses(self, c: Array) -> Array:
        """Contribution of each block to the loss at c."""
        found = [np.sum((root[:, :-1] @ c - root[:, -1]) ** 2) for root in self._roots]
        return np.array(found) / self.beads.sum()

    def objective(self, weights: Array) -> tuple[Array, Array]:
        """M and t of the objective in which each block counts with its weight."""
        factors = np.sqrt(weights / (weights @ self.beads))
        rows = np.vstack([factor * root for factor, root in zip(factors, self._roots, strict=True)])
        return np.vstack([rows[:, :-1], self.penalty]), np.concatenate([rows[:, -1], self.penalised])

    def refit(self, weights: Array) -> Array:
        """Coefficients that minimise this objective, by LAPACK."""
        M, t = self.objective(weights)
        scale = np.linalg.norm(M, axis=0)
        return np.linalg.lstsq(M / scale, t, rcond=None)[0] / scale

    @cached_property
    def _metric(self) -> tuple[Array, Array]:
        """Inverse of half the objective's Hessian with respect to the coefficients, and the part of half the Hessian
        that comes from the loss."""
        M, _ = self.objective(np.ones(len(self.parts)))
        data = M[: len(M) - len(self.penalty)]
        scale = np.linalg.norm(M, axis=0)
        inverse = np.linalg.inv((M / scale).T @ (M / scale)) / np.outer(scale, scale)
        return inverse, data.T @ data

    def decided(self, gradient: Array) -> float:
        """Fraction of the variance of a quantity with this gradient that comes from the data and not from the
        penalty."""
        inverse, data = self._metric
        moved = inverse @ gradient
        return float(moved @ data @ moved / (gradient @ moved))

    def scores(self) -> Array:
        """Contribution of each block to the fit, in coordinates whose squares are those of forces."""
        pulls = np.array([root[:, :-1].T @ (root[:, -1] - root[:, :-1] @ self.c) for root in self._roots])
        pulls /= self.beads.sum()
        inverse, data = self._metric
        size = np.sqrt(np.diag(data))
        values, vectors = np.linalg.eigh(data / np.outer(size, size))
        apart = pulls - self.shares[:, None] * pulls.sum(axis=0)
        return apart @ inverse @ (size[:, None] * vectors * np.sqrt(values))


def blocks_of(fit: Any, prior: Any, R: Array, F: Array, proteins: int, blocks: int, smoothness: float) -> Blocks:
    """Blocks of equal size of the frames of each protein, and the penalty of this fit.

    The proteins follow one another and have equal numbers of frames.
    """
    X = matrix(R, prior.weights, prior.params)
    parts = [part for own in np.array_split(np.arange(len(R)), proteins) for part in np.array_split(own, blocks)]
    systems = [System(X[own].reshape(-1, X.shape[-1]), F[own].ravel(), len(own) * R.shape[1]) for own in parts]
    whole = System(X.reshape(-1, X.shape[-1]), F.ravel(), R.shape[0] * R.shape[1])
    M, t = smoothed(whole, prior, smoothness, fit.smoothest)
    rows, c = len(whole.F), coefficients(fit.fitted_params)
    return Blocks(tuple(systems), np.repeat(np.arange(proteins), blocks), M[rows:], t[rows:], c)


@dataclass(frozen=True)
class Pools:
    """Which blocks are drawn together.

    Arguments:
        of: number of each block's pool.
        strata: number of the stratum of each pool; pools are exchanged within a stratum.
        inflation: factor of variances that accounts for the remaining correlation.
        correlation: correlation of neighbouring pools.
        error: root of the sum of the variances estimated from the pools.
        uncertainty: standard error of the correlation if the true correlation is 0.
    """

    of: Array
    strata: Array
    inflation: float
    correlation: float
    error: float
    uncertainty: float = 1.0

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the t distribution."""
        return len(self.strata) - len(set(self.strata.tolist()))

    def drawn(self, count: int, seed: int) -> Array:
        """Weight of each block in each draw, (draws, blocks).

        From the n pools of a stratum n - 1 are drawn, and each counts n / (n - 1) times (Rao and Wu, J. Am. Stat.
        Assoc. 83, 231 (1988)).
        """
        rng, found = np.random.default_rng(seed), np.zeros((count, len(self.strata)))
        for stratum in sorted(set(self.strata.tolist())):
            (own,) = np.nonzero(self.strata == stratum)
            n = len(own)
            found[:, own] = rng.multinomial(n - 1, np.ones(n) / n, size=count) * n / (n - 1)
        return found[:, self.of]

    def variance(self, parts: Array, shares: Array) -> float:
        """Variance of a sum over blocks."""
        squares = np.sum(_sums(parts[:, None], shares, self.of, self.strata) ** 2, axis=1)
        return float(self.inflation * np.sum(squares * _correction(self.strata)))


def pools(scores: Array, shares: Array, proteins: Array, by_proteins: bool = False) -> Pools:
    """The shortest pools whose neighbours are uncorrelated, or the longest for which there are enough pools."""
    if by_proteins:
        strata = np.zeros(int(proteins.max()) + 1, int)
        error = np.sum(_sums(scores, shares, proteins, strata) ** 2, axis=1) @ _correction(strata)
        return Pools(proteins, strata, 1.0, 0.0, float(np.sqrt(error)))
    found: list[tuple[Pools, bool]] = []
    for length in range(1, len(scores) + 1):
        of, strata = _cut(proteins, length)
        if len(strata) - len(set(strata.tolist())) + 1 < FEWEST:
            break
        if found and len(strata) == len(found[-1][0].strata):
            continue
        e = _sums(scores, shares, of, strata)
        products, n = e @ e.T, len(e)
        mean = np.trace(products) / n
        run = np.array([proteins[of == pool][0] for pool in range(n)])
        (pairs,) = np.nonzero(run[1:] == run[:-1])
        r = products[pairs, pairs + 1].mean() / mean + np.mean(_correction(strata) - 1)
        others = products[~np.eye(n, dtype=bool)]
        unsure = 1 / np.sqrt(len(pairs) * max(mean**2 / np.mean(others**2), 1.0))
        error = np.sqrt(np.diag(products) @ _correction(strata))
        made = Pools(of, strata, 1 + 2 * max(float(r), 0.0), float(r), float(error), float(unsure))
        found.append((made, bool(r <= unsure)))
    return next((one for one, flat in found if flat), found[-1][0])


def _cut(proteins: Array, length: int) -> tuple[Array, Array]:
    """Pools of `length` blocks of one protein, in equal parts, and their strata."""
    of, own = [], []
    for protein in range(int(proteins.max()) + 1):
        n = int(np.sum(proteins == protein))
        count = max(n // length, 1)
        of += [len(own) + k * count // n for k in range(n)]
        own += [protein] * count
    strata = np.array(own)
    return np.array(of), strata if np.bincount(strata).min() >= FEWEST_OF_PROTEIN else np.zeros_like(strata)


def _sums(scores: Array, shares: Array, of: Array, strata: Array) -> Array:
    """Sum of the scores of each pool, minus the value expected if all pools of its stratum were alike."""
    n = len(strata)
    member = (of == np.arange(n)[:, None]).astype(float)
    e, part = member @ scores, member @ shares
    for stratum in set(strata.tolist()):
        own = strata == stratum
        e[own] -= np.outer(part[own] / part[own].sum(), e[own].sum(axis=0))
    return e


def _correction(strata: Array) -> Array:
    """n / (n - 1) of each pool's stratum."""
    n = np.bincount(strata)[strata]
    return n / (n - 1)


def fold_of(counts: Sequence[int], folds: int = 10) -> Array:
    """The fold of each block, given the number of blocks of each protein."""
    return np.concatenate([np.arange(n) * min(folds, n) // n for n in counts])
