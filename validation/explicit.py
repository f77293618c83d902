"""The design matrix in NumPy, from the formulas of the design alone; LAPACK does the rest. No cgcore code.

    F_pred = X(R) c,   c = (kr, kr*r0, a_n, b_n, k_n cos(gamma_n), k_n sin(gamma_n), epsilon*sigma^4 [, ex.])

Each column is -w * dE/dx * grad x. Gradients of the internal coordinates x are computed by complex steps, which have no
truncation error, so that no derivative is written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray
STEP = 1e-150

SPANS = {"bond": 2, "angle": 3, "dihedral": 4}
"""Number of beads of each kind of coordinate."""


@dataclass(frozen=True)
class System:
    """The equations X c = F, three rows for each real bead, and the number of beads."""

    X: Array
    F: Array
    beads: int

    def loss(self, c: Array) -> float:
        """The force-matching loss at coefficients c."""
        return float(np.sum((self.X @ c - self.F) ** 2)) / max(self.beads, 1)

    @cached_property
    def directions(self) -> tuple[Array, Array, Array]:
        """Singular values relative to the largest, left singular vectors, and their basis in coefficients.

        The column of kr is centred on that of kr*r0, and columns are scaled: X @ basis = U * root(beads).
        """
        centring = np.eye(self.X.shape[1])
        if (squared := self.X[:, 1] @ self.X[:, 1]) > 0:
            centring[1, 0] = -(self.X[:, 1] @ self.X[:, 0]) / squared
        centred = self.X @ centring
        scale = _scales(centred)
        U, s, V = np.linalg.svd(centred / scale, full_matrices=False)
        inverse = np.divide(1.0, s, out=np.zeros_like(s), where=s > 0)
        basis = np.sqrt(self.beads) * centring @ (V.T * inverse / scale[:, None])
        return s / s[0] if s[0] > 0 else s, U, basis

    @property
    def resolution(self) -> float:
        """LAPACK's rule: the relative singular value below which directions are rounding errors."""
        return float(np.finfo(float).eps * self.X.shape[0])

    def kept(self, cutoff: float = 0.0) -> Array:
        """Which directions have a relative singular value above the cut-off and above the resolution."""
        return self.directions[0] > max(cutoff, self.resolution)

    def optimum(self, start: Array, kept: Array) -> Array:
        """The best coefficients among those that differ from `start` only along the kept directions."""
        _, U, basis = self.directions
        return start + basis[:, kept] @ (U[:, kept].T @ (self.F - self.X @ start)) / np.sqrt(self.beads)

    def clear_cutoff(self, lowest: float = 1e-7, highest: float = 0.3) -> float:
        """A cut-off in the widest gap of the singular values, where all implementations keep the same directions."""
        values = self.directions[0]
        values = np.append(values[values > lowest], lowest)
        ends = [(a / b, np.sqrt(a * b)) for a, b in pairwise(values) if b < highest]
        return float(max(ends)[1]) if ends else lowest

    def lapack(self, driver: str, start: Array) -> tuple[float, int]:
        """Loss and rank from LAPACK's own least-squares driver on the scaled columns, with its default cut-off."""
        import scipy.linalg

        scale = _scales(self.X)
        rest = self.F - self.X @ start
        y, _, rank, _ = scipy.linalg.lstsq(self.X / scale, rest, cond=self.resolution, lapack_driver=driver)  # type: ignore[misc]
        return self.loss(start + y / scale), int(rank)


def system(batch: Any, weights: Any, params: Mapping[str, Any], sites: Array | None = None) -> System:
    """The explicit system of padded frames (`R, F, mask`) for a prior's weights and numbers of harmonics.

    `sites` (frames, beads) number the beads of each frame along their chains; without them each frame is one chain.
    """
    lengths = np.asarray(batch.mask).astype(bool).sum(axis=1)
    sites = np.broadcast_to(np.arange(batch.R.shape[1]), batch.R.shape[:2]) if sites is None else sites
    X, F = [], []
    kinds = {(n, tuple(row[:n])) for n, row in zip(lengths.tolist(), sites.tolist(), strict=True) if n}
    for n, chain in sorted(kinds):
        rows = (lengths == n) & (sites[:, :n] == chain).all(axis=1)
        block = matrix(np.asarray(batch.R)[rows, :n].astype(float), weights, params, np.array(chain))
        X.append(block.reshape(-1, block.shape[-1]))
        F.append(np.asarray(batch.F)[rows, :n].astype(float).reshape(-1))
    return System(np.concatenate(X), np.concatenate(F), int(lengths.sum()))


def coefficients(params: Mapping[str, Any]) -> Array:
    """The coefficients c of these parameters."""
    p = {name: np.asarray(value, float) for name, value in params.items()}
    parts = [p["kr"], p["kr"] * p["r0"], p["a"], p["b"]]
    parts += [p["k_dih"] * np.cos(p["gamma_dih"]), p["k_dih"] * np.sin(p["gamma_dih"])]
    parts.append(p["epsilon"] * p["sigma"] ** 4)
    if "epsilon_ex" in p:
        parts.append(p["epsilon_ex"] * p["sigma_ex"] ** 4)
    return np.concatenate([np.atleast_1d(part) for part in parts])


def matrix(R: Array, weights: Any, params: Mapping[str, Any], sites: Array | None = None) -> Array:
    """X of frames without padding, (frames, beads, 3, n); `sites` (beads,) number the beads along their chains."""
    sites = np.arange(R.shape[1]) if sites is None else sites
    n_angle, n_dihedral = len(params["a"]), len(params["k_dih"])
    frames, beads = R.shape[:2]
    columns = [np.zeros((frames, beads, 3, 2 + 2 * n_angle + 2 * n_dihedral))]
    bond, angle = slice(0, 2), slice(2, 2 + 2 * n_angle)
    dihedral = slice(angle.stop, angle.stop + 2 * n_dihedral)
    _consecutive(columns[0][..., bond], R, sites, "bond", lambda r: [r, -np.ones_like(r)], weights.bond)
    _consecutive(columns[0][..., angle], R, sites, "angle", lambda t: _fourier(t, n_angle), weights.angle)
    _consecutive(columns[0][..., dihedral], R, sites, "dihedral", lambda t: _fourier(t, n_dihedral), weights.dihedral)
    columns.append(_pairs(R, sites, 6, np.inf, weights.repulsive))
    if weights.excluded_volume is not None:
        columns.append(_pairs(R, sites, 2, 5, weights.excluded_volume))
    return np.concatenate(columns, axis=-1)


def energies(R: Array, weights: Any, params: Mapping[str, Any]) -> dict[str, float]:
    """Energy [kcal/mol] of each term of a chain R (beads, 3) [Å], by its formula."""
    p = {name: np.asarray(value, float) for name, value in params.items()}
    r, theta, phi = (
        value(kind, np.stack([R[k : max(len(R) - width + 1, 0) + k] for k in range(width)], axis=1))
        for kind, width in SPANS.items()
    )
    n, m = (np.arange(1, len(p[key]) + 1)[:, None] for key in ("a", "k_dih"))
    i, j = np.triu_indices(len(R), 2)
    d = np.linalg.norm(R[i] - R[j], axis=1)
    found = {
        "bond": weights.bond * p["kr"] / 2 * np.sum((r - p["r0"]) ** 2),
        "angle": weights.angle * np.sum(p["a"][:, None] * np.cos(n * theta) + p["b"][:, None] * np.sin(n * theta)),
        "dihedral": weights.dihedral * np.sum(p["k_dih"][:, None] * (1 + np.cos(m * phi - p["gamma_dih"][:, None]))),
        "repulsive": weights.repulsive * p["epsilon"] * np.sum((p["sigma"] / d[j - i >= 6]) ** 4),
    }
    if weights.excluded_volume is not None:
        close = np.sum((p["sigma_ex"] / d[j - i <= 5]) ** 4)
        found["excluded_volume"] = weights.excluded_volume * p["epsilon_ex"] * close
    return {name: float(energy) for name, energy in found.items()}


def _consecutive(
    out: Array,
    R: Array,
    sites: Array,
    kind: str,
    slopes: Callable[[Array], list[Array]],
    weight: float,
) -> None:
    """Add the columns of a term to `out` for rows of consecutive beads, where each bead is bonded to the next."""
    width = SPANS[kind]
    rows = R.shape[1] - width + 1
    if rows < 1 or out.shape[-1] == 0:
        return
    local = np.stack([R[:, k : k + rows] for k in range(width)], axis=2)
    value, gradient = value_and_gradient(kind, local)
    gradient = gradient * (sites[width - 1 :] - sites[:rows] == width - 1)[:, None, None]
    dE = np.stack(slopes(value), axis=-1)
    for k in range(width):
        out[:, k : k + rows] -= weight * gradient[:, :, k, :, None] * dE[:, :, None, :]


def _pairs(R: Array, sites: Array, nearest: int, farthest: float, weight: float) -> Array:
    """The column of 1/r^4 over pairs whose sites are between `nearest` and `farthest` apart."""
    out = np.zeros((*R.shape, 1))
    for s in range(1, R.shape[1]):
        apart = sites[s:] - sites[:-s]
        counts = (apart >= nearest) & (apart <= farthest)
        if not counts.any():
            continue
        d = R[:, s:] - R[:, :-s]
        force = 4 * d / np.where(counts[:, None], np.sum(d**2, axis=-1, keepdims=True), np.inf) ** 3
        out[:, s:, :, 0] += weight * force
        out[:, :-s, :, 0] -= weight * force
    return out


def _fourier(x: Array, harmonics: int) -> list[Array]:
    """Derivatives of cos(n x), then of sin(n x)."""
    n = range(1, harmonics + 1)
    return [-k * np.sin(k * x) for k in n] + [k * np.cos(k * x) for k in n]


def value(kind: str, local: Array) -> Array:
    """Bond lengths [Å], angles or dihedrals [rad] from positions (..., beads of a row, 3); `kind` names the
    coordinate."""
    sine, cosine = _COORDINATES[kind](local)
    return cosine if sine is None else np.arctan2(sine, cosine)


def value_and_gradient(kind: str, local: Array) -> tuple[Array, Array]:
    """The coordinate as in `value`, and its gradient (..., beads of a row, 3)."""
    coordinate = _COORDINATES[kind]
    sine, cosine = coordinate(local)
    gradient = np.empty(local.shape)
    for k, axis in np.ndindex(local.shape[-2:]):
        moved = local.astype(complex)
        moved[..., k, axis] += 1j * STEP
        dy, dx = (None if part is None else part.imag / STEP for part in coordinate(moved))
        gradient[..., k, axis] = dx if sine is None else (cosine * dy - sine * dx) / (sine**2 + cosine**2)
    return value(kind, local), gradient


def _distance(p: Array) -> tuple[None, Array]:
    return None, _length(p[..., 1, :] - p[..., 0, :])


def _angle(p: Array) -> tuple[Array, Array]:
    u, v = p[..., 0, :] - p[..., 1, :], p[..., 2, :] - p[..., 1, :]
    return _length(np.cross(u, v)), np.sum(u * v, axis=-1)


def _dihedral(p: Array) -> tuple[Array, Array]:
    b1, b2, b3 = (p[..., k + 1, :] - p[..., k, :] for k in range(3))
    n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
    return np.sum(np.cross(n1, b2 / _length(b2)[..., None]) * n2, axis=-1), np.sum(n1 * n2, axis=-1)


_COORDINATES: dict[str, Callable[[Array], tuple[Any, Any]]] = {
    "bond": _distance,
    "angle": _angle,
    "dihedral": _dihedral,
}


def _length(v: Array) -> Array:
    return np.sqrt(np.sum(v * v, axis=-1))


def _scales(X: Array) -> Array:
    norm = np.linalg.norm(X, axis=0)
    return np.where(norm > 0, norm, 1.0)
