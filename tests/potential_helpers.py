"""The fitted potentials, implemented in NumPy from their formulas, and factors made without a pass.

The promises of constraints are checked on these potentials: energies and slopes along each internal coordinate, with
weights, as they act on the beads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from factor_helpers import Chains, rows_of
from helpers import np_coordinates

from cgcore import Factor, Fingerprint, Prior, Weights
from cgcore.factor.factor import Block
from cgcore.factor.histogram import CLOSEST, Histograms, bin_numbers
from cgcore.factor.triangle import triangle

KB = 0.0019872042586
"""Boltzmann's constant [kcal/mol/K]: R of SI 2019 divided by 4184 J/kcal."""


class Sampled(NamedTuple):
    """Internal coordinates of all frames, and the distance of each frame's closest pair by term."""

    bonds: np.ndarray
    angles: np.ndarray
    dihedrals: np.ndarray
    closest: dict[str, np.ndarray]

    @classmethod
    def of(cls, chains: Chains) -> Sampled:
        bonds, angles, dihedrals = [], [], []
        closest: dict[str, list[float]] = {"repulsive": [], "excluded_volume": []}
        for R, n in zip(chains.R, chains.lengths, strict=True):
            R = R[:n]
            q = np_coordinates(R)
            for values, name in ((bonds, "bond"), (angles, "angle"), (dihedrals, "dihedral")):
                values.append(q[name])
            for name, values in closest.items():
                values.append(q[name].min(initial=np.inf))
        nearest = {name: np.array(values) for name, values in closest.items()}
        return cls(np.concatenate(bonds), np.concatenate(angles), np.concatenate(dihedrals), nearest)


def factor_without_a_pass(
    chains: Chains, prior: Prior, temperatures: tuple[float, ...] = (), blocks: int = 1
) -> Factor:
    """The factor from the explicit matrix."""
    made = []
    for index, frames in enumerate(np.array_split(np.arange(len(chains.R)), blocks)):
        rows = rows_of(chains.take(frames), prior)
        S = triangle(np.hstack([rows.X, rows.F[:, None]]))
        ranges = np.array([[frames[0], frames[-1] + 1]])
        made.append(Block(S, rows.beads, len(frames), "arrays", "arrays", index, "", ranges, rows.beads))
    found = Sampled.of(chains)
    # Each row of values as one chain, whose length marks all of them as real.
    many = [found.bonds, found.angles, found.dihedrals]
    histograms = Histograms.empty()
    for spanned, (name, values) in enumerate(zip(histograms.counts, many, strict=True), start=1):
        columns = {other: np.full((max(map(len, many)), 1), np.nan) for other in histograms.counts}
        columns[name][: len(values), 0] = values
        histograms += Histograms.counted(bin_numbers(columns, np.array([len(values) + spanned])))
    names = ("repulsive",) if prior.weights.excluded_volume is None else ("repulsive", "excluded_volume")
    groups = {name: np.histogram(np.minimum(_finite(found.closest[name]), 20.0), CLOSEST)[0][None] for name in names}
    return Factor(tuple(made), Fingerprint.of(prior), Histograms(histograms.counts, groups), temperatures)


def _finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def angle_slope(w: Weights, p: Mapping[str, Any], theta: np.ndarray, derivative: int = 1) -> np.ndarray:
    """d^k U / dtheta^k of w (a_n cos(n theta) + b_n sin(n theta)) [kcal/mol/rad^k]."""
    n = np.arange(1, len(p["a"]) + 1)
    shifted = np.outer(theta, n) + derivative * np.pi / 2
    return w.angle * (np.cos(shifted) * n**derivative @ p["a"] + np.sin(shifted) * n**derivative @ p["b"])


def dihedral_energy(w: Weights, p: Mapping[str, Any], phi: np.ndarray) -> np.ndarray:
    """w k_n [1 + cos(n phi - gamma_n)] [kcal/mol]."""
    n = np.arange(1, len(p["k_dih"]) + 1)
    return w.dihedral * (1 + np.cos(np.outer(phi, n) - p["gamma_dih"])) @ p["k_dih"]


def pair_energy(w: Weights, p: Mapping[str, Any], term: str, r: float) -> float:
    """w epsilon (sigma / r)^4 [kcal/mol] of "repulsive" or "excluded_volume"."""
    end = "" if term == "repulsive" else "_ex"
    return float(getattr(w, term) * p[f"epsilon{end}"] * (p[f"sigma{end}"] / r) ** 4)
