"""Independent computation of everything in a factor: explicit matrix, LAPACK, and test data.

Only data, priors and `compress` come from cgcore. The matrix is that of `validation.explicit`, written in NumPy from
the formulas of the energy, with gradients by complex steps.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

import cgcore
from cgcore import Dataset, Factor, Fingerprint, Options, Prior, Weights
from validation import explicit

WEIGHTS = Weights(0.5, 0.25, 0.25, 1.0)

WEAKEST = 1e-7
"""Relative change of L* by rounding, for ten harmonics on the bundled set.

The weakest of its 25 directions has a relative singular value of 1.3e-11: ten eps in the matrix turn it by 2e-4 towards
the dropped directions. Each of these directions contains 1e-4 of the loss, so that L* changes by 2 * 2e-4 * 1e-4 =
4e-8. One direction more or less would change it by 5e-5.
"""


class Rows(NamedTuple):
    """[X | F]: three rows for each real bead, in the order of frames, beads and xyz."""

    X: np.ndarray
    F: np.ndarray
    beads: int

    def loss(self, c: np.ndarray) -> float:
        return float(np.sum((self.X @ c - self.F) ** 2)) / self.beads


class Chains(NamedTuple):
    """Padded frames."""

    R: np.ndarray
    F: np.ndarray
    mask: np.ndarray

    @property
    def lengths(self) -> np.ndarray:
        return self.mask.sum(axis=1).astype(int)

    def dataset(self, name: str = "arrays") -> Dataset:
        return cgcore.from_arrays(self.R, self.F, self.mask, name=name)

    def take(self, rows: slice | np.ndarray) -> Chains:
        """The selected frames."""
        return Chains(self.R[rows], self.F[rows], self.mask[rows])


def design_rows(prior: Prior, R: np.ndarray, F: np.ndarray, lengths: np.ndarray | None = None) -> Rows:
    """The explicit matrix of forces on real beads for unit coefficients, and the reference forces."""
    R, F = np.asarray(R, np.float64), np.asarray(F, np.float64)
    lengths = np.full(len(R), R.shape[1]) if lengths is None else np.asarray(lengths)
    size = len(explicit.coefficients(prior.params))
    X = np.zeros((len(R), R.shape[1], 3, size))
    for length in np.unique(lengths):
        of = np.flatnonzero(lengths == length)
        X[of, :length] = explicit.matrix(R[of, :length], prior.weights, prior.params)
    real = np.arange(R.shape[1]) < lengths[:, None]
    return Rows(X[real].reshape(-1, size), F[real].ravel(), int(lengths.sum()))


class Best(NamedTuple):
    """A least-squares solution, its loss, and its rank."""

    c: np.ndarray
    loss: float
    rank: int


def lapack(rows: Rows, rcond: float | None = None) -> Best:
    """LAPACK's least squares with scaled columns; singular values below eps x rows, or below `rcond`, are dropped."""
    scale = np.linalg.norm(rows.X, axis=0)
    scale[scale == 0] = 1.0
    if rcond is None:
        rcond = np.finfo(np.float64).eps * max(rows.X.shape)
    c, _, rank, _ = np.linalg.lstsq(rows.X / scale, rows.F, rcond=rcond)
    c = c / scale
    return Best(c, rows.loss(c), int(rank))


class Truncated(NamedTuple):
    """Directions of an explicit matrix: c = start + basis @ y, and the loss is a sum of squares of U y - shortfall."""

    values: np.ndarray
    U: np.ndarray
    basis: np.ndarray

    def best(self, rows: Rows, start: np.ndarray, cutoff: float) -> np.ndarray:
        """The optimum along directions above a cut-off (and above eps x rows)."""
        kept = self.values > max(cutoff, np.finfo(np.float64).eps * len(rows.X))
        return start + self.basis[:, kept] @ (self.U[:, kept].T @ (rows.F - rows.X @ start))


def directions(rows: Rows, centred: bool = True) -> Truncated:
    """Singular vectors of the explicit matrix with scaled columns, after orthogonalising kr's column to that of
    kr*r0."""
    X, change = rows.X.copy(), np.eye(rows.X.shape[1])
    if centred:
        change[1, 0] = -(X[:, 1] @ X[:, 0]) / (X[:, 1] @ X[:, 1])
    X = X @ change
    scale = np.linalg.norm(X, axis=0)
    scale[scale == 0] = 1.0
    U, s, V = np.linalg.svd(X / scale, full_matrices=False)
    basis = change @ (V.T / scale[:, None] / np.where(s > 0, s, np.inf))
    return Truncated(s / s[0], U, basis)


def random_chains(n_frames: int, lengths: list[int], width: int, seed: int, shift: float = 0.0) -> Chains:
    """Chains with these lengths in turn, bonds near 3.8 Å, angles of 80 to 155 degrees, any dihedrals, and random
    forces."""
    rng = np.random.default_rng(seed)
    R, mask = np.zeros((n_frames, width, 3)), np.zeros((n_frames, width))
    for frame in range(n_frames):
        length = lengths[frame % len(lengths)]
        mask[frame, :length] = 1
        R[frame, :length] = _walk(rng, length) + shift
    return Chains(R, rng.normal(size=R.shape) * 10 * mask[..., None], mask)


def _walk(rng: np.random.Generator, length: int) -> np.ndarray:
    """A chain grown bead by bead, each at least 4.5 Å from all beads except its neighbour."""
    while True:
        beads = [np.zeros(3), np.array([rng.normal(3.8, 0.08), 0.0, 0.0])]
        for _ in range(100 * length):
            if len(beads) >= length:
                return np.array(beads[:length])
            e = beads[-1] - beads[-2]
            e /= np.linalg.norm(e)
            side = np.cross(e, rng.normal(size=3))
            side /= np.linalg.norm(side)
            theta = np.radians(rng.uniform(80, 155))
            new = beads[-1] + rng.normal(3.8, 0.08) * (-np.cos(theta) * e + np.sin(theta) * side)
            if min(np.linalg.norm(new - bead) for bead in beads[:-1]) > 4.5:
                beads.append(new)


def prior_of(n_angle: int = 4, weights: Weights = WEIGHTS, n_dihedral: int = 2) -> Prior:
    """The default prior with the first harmonics only, and with excluded volume if the weights include it."""
    params = dict(cgcore.default_prior().without_excluded_volume().params)
    params |= {name: params[name][:n_angle] for name in ("a", "b")}
    params |= {name: params[name][:n_dihedral] for name in ("k_dih", "gamma_dih")}
    if weights.excluded_volume is not None:
        params |= {"epsilon_ex": 0.7, "sigma_ex": 3.0}
    return Prior(weights, params)


def four_term_prior() -> Prior:
    """The default prior without excluded volume, for which numbers were recorded."""
    return prior_of(10)


def unconstrained(**options: Any) -> Options:
    """Options of a truncated fit without constraints, with these changes."""
    settings: dict[str, Any] = {"constraints": "none", "truncation": "auto"} | options
    return Options(**settings)


def helix(n_frames: int, length: int, noise: float, seed: int) -> Chains:
    """Frames of one helix with equal bonds, angles and dihedrals, plus noise of this size [Å]."""
    rng = np.random.default_rng(seed)
    turn = np.radians(100) * np.arange(length)
    ideal = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(length)], axis=1)
    R = ideal + noise * rng.normal(size=(n_frames, length, 3))
    return Chains(R, rng.normal(size=R.shape) * 10, np.ones((n_frames, length)))


@cache
def chignolin_chains(n_frames: int = 1000) -> Chains:
    """The first frames of the bundled set, float64."""
    batch = cgcore.datasets.chignolin().join()
    return Chains(*(np.asarray(x[:n_frames], np.float64) for x in (batch.R, batch.F, batch.mask)))


@cache
def two_proteins() -> Chains:
    """40 frames of 9 beads, then 60 of 12, padded to 13."""
    short, long = random_chains(40, [9], 13, seed=1), random_chains(60, [12], 13, seed=2)
    return Chains(*(np.concatenate(pair) for pair in zip(short, long, strict=True)))


@cache
def chignolin_rows(n_angle: int = 10) -> Rows:
    """The explicit matrix of the bundled set."""
    chains = chignolin_chains()
    return design_rows(prior_of(n_angle), chains.R, chains.F)


@cache
def chignolin_factor(n_angle: int = 10, blocks: int = 20) -> Factor:
    """The factor of the bundled set."""
    return factor_of(cgcore.datasets.chignolin(), prior_of(n_angle), blocks)


def factor_of(data: Dataset | Chains, prior: Prior, blocks: int = 20) -> Factor:
    dataset = data.dataset() if isinstance(data, Chains) else data
    return cgcore.compress(dataset, Fingerprint.of(prior), blocks=blocks)


def rows_of(chains: Chains, prior: Prior) -> Rows:
    return design_rows(prior, chains.R, chains.F, chains.lengths)


def random_coefficients(prior: Prior, count: int, seed: int = 0) -> np.ndarray:
    """Coefficients of random parameters around a prior's, (count, n)."""
    rng = np.random.default_rng(seed)
    return np.array(
        [
            cgcore.to_coefficients(
                {name: value * (1 + 0.3 * rng.normal(size=value.shape)) for name, value in prior.params.items()}
            )
            for _ in range(count)
        ]
    )
