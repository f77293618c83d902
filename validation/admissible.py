"""Conditions of an admissible fit, restated from raw frames: sampled ranges by NumPy, potentials by their formulas.

No histogram, factor or constraint of cgcore is used. Potentials include their weights and are in kcal/mol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from validation.explicit import Array, System

KT_PER_KELVIN = 8.31446261815324 / 4184
"""Boltzmann's constant [kcal/mol/K]: the gas constant in J/mol/K divided by the thermochemical kilocalorie."""

WALL, WIDTH = 4.0, np.radians(10.0)
BARRIER, CONTACT, FARTHEST = 20.0, 1.0, 6.0
OVERLAP, OVERLAP_PART, OVERLAPPING = 3.0, 0.8, 13.0
"""Distance of overlapping beads [Å], the largest part of the closest sampled approach that it is, and the least energy
of a repulsion there [kT]."""
APART = np.radians(1.3)
"""Spacing of the angles at which wall conditions are evaluated; these differ from the angles at which a fit is
constrained."""


@dataclass(frozen=True)
class Sampled:
    """Frames of equal length, and the ranges that they sampled."""

    R: Array
    temperature: float

    @property
    def kT(self) -> float:
        """Thermal energy kT [kcal/mol]."""
        return KT_PER_KELVIN * self.temperature

    @cached_property
    def bonds(self) -> Array:
        """0.1 and 99.9 percentiles of the bond lengths [Å]."""
        return np.percentile(np.linalg.norm(np.diff(self.R, axis=1), axis=-1), (0.1, 99.9))

    @cached_property
    def angles(self) -> Array:
        """0.1 and 99.9 percentiles of the angles [rad]."""
        b = np.diff(self.R, axis=1)
        b /= np.linalg.norm(b, axis=-1, keepdims=True)
        return np.percentile(np.arccos(np.clip(-np.sum(b[:, 1:] * b[:, :-1], axis=-1), -1, 1)), (0.1, 99.9))

    def contact(self, nearest: int, farthest: int) -> float:
        """1st percentile of the distance of each frame's closest pair with these separations [Å], at most 6 Å."""
        i, j = np.triu_indices(self.R.shape[1], nearest)
        near = j - i <= farthest
        distances = np.linalg.norm(self.R[:, i[near]] - self.R[:, j[near]], axis=-1)
        return min(float(np.percentile(distances.min(axis=1), 1.0)), FARTHEST)


@dataclass(frozen=True)
class Inequalities:
    """Inequalities G c >= h for the coefficients of a prior, each with a name."""

    names: tuple[str, ...]
    G: Array
    h: Array

    def slack(self, c: Array) -> dict[str, float]:
        """The smallest slack of the rows with each name, in the unit of their bound."""
        slack, names = self.G @ c - self.h, np.array(self.names)
        return {name: float(slack[names == name].min()) for name in dict.fromkeys(self.names)}


def inequalities(sampled: Sampled, weights: Any, params: Mapping[str, Any]) -> Inequalities:
    """The inequalities that define the admissible set for these frames."""
    n, m = len(params["a"]), len(params["k_dih"])
    size = 2 + 2 * n + 2 * m + 1 + ("epsilon_ex" in params)
    angle, dihedral = slice(2, 2 + 2 * n), slice(2 + 2 * n, 2 + 2 * n + 2 * m)
    names: list[str] = []
    G: list[Array] = []
    h: list[float] = []

    def add(name: str, where: Any, values: Any, bound: float) -> None:
        row = np.zeros(size)
        row[where] = values
        names.append(name)
        G.append(row)
        h.append(bound)

    shortest, longest = sampled.bonds
    add("kr", 0, weights.bond, sampled.kT / (longest - shortest) ** 2)
    add("r0", slice(0, 2), (-shortest, 1.0), 0.0)
    add("r0", slice(0, 2), (longest, -1.0), 0.0)
    low, high = sampled.angles
    steepest = 2 * WALL * sampled.kT / WIDTH
    for name, foot, end, sign in (("low wall", low, 0.0, -1.0), ("high wall", high, np.pi, 1.0)):
        for theta in np.arange(foot, end, sign * APART):
            k = np.arange(1, n + 1)
            slope = weights.angle * np.concatenate([-k * np.sin(k * theta), k * np.cos(k * theta)])
            add(name, angle, sign * slope, steepest * min(abs(theta - foot) / WIDTH, 1.0))
    for phi in np.radians(np.arange(-180.0, 180.0, 3.0)):
        k = np.arange(1, m + 1)
        value = weights.dihedral * np.concatenate([np.cos(k * phi), np.sin(k * phi)])
        for sign in (1.0, -1.0):
            add("barrier", dihedral, sign * value, -BARRIER / 2 * sampled.kT)
    pairs = [("repulsion", weights.repulsive, 6, 10**6)]
    if "epsilon_ex" in params:
        pairs.append(("excluded volume", weights.excluded_volume, 2, 5))
    for column, (name, weight, nearest, farthest) in enumerate(pairs, size - len(pairs)):
        contact = sampled.contact(nearest, farthest)
        add(name, column, weight / contact**4, sampled.kT)
        add(name, column, weight / min(OVERLAP, OVERLAP_PART * contact) ** 4, OVERLAPPING * sampled.kT)
    return Inequalities(tuple(names), np.array(G), np.array(h))


def curvature(weights: Any, params: Mapping[str, Any]) -> Array:
    """Rows D for which |D c|² is the mean of (w U'')² over the period of the angle and dihedral series, by
    quadrature."""
    x = np.linspace(-np.pi, np.pi, 256, endpoint=False)
    size, n = 3 + 2 * len(params["a"]) + 2 * len(params["k_dih"]) + ("epsilon_ex" in params), 2
    rows = []
    for name, weight in (("a", weights.angle), ("k_dih", weights.dihedral)):
        k = np.arange(1, len(params[name]) + 1)
        block = np.zeros((256, size))
        series = np.hstack([np.cos(np.outer(x, k)), np.sin(np.outer(x, k))])
        block[:, n : n + 2 * len(k)] = -weight * np.tile(k**2.0, 2) * series / np.sqrt(256)
        rows.append(block)
        n += 2 * len(k)
    return np.vstack(rows)


def smoothed(system: System, prior: Any, strength: float, smoothest: Array | None) -> tuple[Array, Array]:
    """M and t of the objective |M c - t|², which is the loss plus a roughness penalty of this strength."""
    D = curvature(prior.weights, prior.params)
    series = np.linalg.norm(D, axis=0) > 0
    scaled = system.X[:, series] / np.linalg.norm(D[:, series], axis=0)
    unit = np.linalg.norm(scaled, 2) ** 2 / system.beads
    penalty, root = np.sqrt(strength * unit) * D, np.sqrt(system.beads)
    assert smoothest is not None
    return np.vstack([system.X / root, penalty]), np.concatenate([system.F / root, penalty @ smoothest])


def minimum(M: Array, t: Array, rows: Inequalities, start: Array) -> Array:
    """The c that minimises |M c - t|² subject to G c >= h, by SciPy's sequential quadratic programming."""
    from scipy.optimize import minimize

    scale = np.linalg.norm(M, axis=0)
    Q, R = np.linalg.qr(M / scale)
    inverse = np.linalg.inv(R)
    G = rows.G / scale @ inverse
    size = np.linalg.norm(G, axis=1)
    G, h, best = G / size[:, None], rows.h / size, Q.T @ t
    found = minimize(
        lambda y: np.sum((y - best) ** 2),
        R @ (start * scale),
        jac=lambda y: 2 * (y - best),
        constraints={"type": "ineq", "fun": lambda y: G @ y - h, "jac": lambda y: G},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 1000},
    )
    return inverse @ found.x / scale
