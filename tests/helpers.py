"""Random chains and priors, and the physics implemented again in NumPy from the formulas alone.

The NumPy part shares no code with cgcore: the energy is written out here, and internal coordinates and their gradients
are those of `validation.explicit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from cgcore.fitting import loss
from cgcore.physics import design, energy
from cgcore.physics.coefficients import Layout
from cgcore.physics.prior import FITTED, FITTED_EVER, Prior, Weights
from cgcore.physics.space import Displacement, free
from validation import explicit

# Compiled once for each shape, set of weights and displacement.
_evaluate = jax.jit(
    lambda prior, params, R, mask, displacement: (
        energy.term_energies(prior, params, R, mask, None, displacement),
        energy.forces(prior, params, R, mask, None, displacement),
    ),
    static_argnums=(0, 4),
)
_loss = jax.jit(loss.force_matching_loss, static_argnums=0)
_matrix = jax.jit(design.design_matrix, static_argnums=(0, 3))

TERMS = ("bond", "angle", "dihedral", "repulsive", "excluded_volume")
ALL_ON = Weights(bond=0.5, angle=0.25, dihedral=0.25, repulsive=1.0, excluded_volume=0.7)
SPANS = explicit.SPANS
SEPARATIONS = {"repulsive": (6, 10**6), "excluded_volume": (2, 5)}


def declared(weights: Weights, params: Mapping[str, Any]) -> Prior:
    """The terms with these weights and the parameters' numbers of harmonics; all parameters are 1."""
    names = FITTED if weights.excluded_volume is None else FITTED_EVER
    return Prior(weights, {name: np.ones(np.shape(params[name])[-1:]) for name in names})


def term_energies(
    weights: Weights, params: Mapping[str, Any], R: Any, mask: Any, displacement: Displacement = free
) -> dict[str, jax.Array]:
    """`energy.term_energies`, compiled together with the forces."""
    return _evaluate(declared(weights, params), params, R, mask, displacement)[0]


def forces(
    weights: Weights, params: Mapping[str, Any], R: Any, mask: Any, displacement: Displacement = free
) -> jax.Array:
    """`energy.forces`, compiled together with the energies."""
    return _evaluate(declared(weights, params), params, R, mask, displacement)[1]


def force_matching_loss(weights: Weights, params: Mapping[str, Any], R: Any, F: Any, mask: Any) -> jax.Array:
    """`loss.force_matching_loss`, compiled."""
    return _loss(declared(weights, params), params, R, F, mask)


def weighted(weights: Weights, layout: Layout) -> Layout:
    """The same terms with other weights."""
    return Layout(tuple(replace(term, weight=getattr(weights, term.name)) for term in layout.terms))


def design_matrix(
    weights: Weights, layout: Layout, R: Any, lengths: Any, displacement: Displacement = free, sites: Any = None
) -> jax.Array:
    """`design.design_matrix` of the layout's terms with these weights, compiled."""
    return _matrix(weighted(weights, layout).terms, R, lengths, displacement, sites)


class Frames(NamedTuple):
    """Frames padded to one number of beads; `lengths` are the numbers of real beads."""

    R: np.ndarray
    F: np.ndarray
    mask: np.ndarray
    lengths: np.ndarray


def only(term: str) -> Weights:
    """Weights with 1 for one term and 0 for the others."""
    return Weights(*(float(name == term) for name in TERMS))


def chain(rng: np.random.Generator, n_beads: int) -> np.ndarray:
    """A self-avoiding chain with bonds of about 3.8 Å and angles away from 0 and 180 degrees."""
    while True:
        R = [np.zeros(3)]
        for _ in range(1000):
            if len(R) == n_beads:
                return np.array(R)
            step = rng.normal(size=3)
            new = R[-1] + step / np.linalg.norm(step) * rng.uniform(3.7, 3.9)
            bent = len(R) < 2 or 4.5 < np.linalg.norm(new - R[-2]) < 7.2
            if bent and all(np.linalg.norm(new - old) > 4 for old in R[:-1]):
                R.append(new)


def frames(rng: np.random.Generator, lengths: list[int], n_beads: int, fill: float = 0.0) -> Frames:
    """Random frames; padded beads hold `fill` in positions and forces."""
    R, F = (np.full((len(lengths), n_beads, 3), fill) for _ in "RF")
    mask = np.arange(n_beads) < np.array(lengths)[:, None]
    for f, n in enumerate(lengths):
        if n:
            R[f, :n] = chain(rng, n)
        F[f, :n] = rng.normal(scale=10.0, size=(n, 3))
    return Frames(R, F, mask, np.array(lengths))


def prior(rng: np.random.Generator, n_angle: int = 3, n_dihedral: int = 2, weights: Weights = ALL_ON) -> Prior:
    """A prior in which every term contributes."""
    params: dict[str, Any] = {
        "r0": rng.uniform(3.7, 3.9),
        "kr": rng.uniform(80, 200),
        "a": rng.normal(size=n_angle),
        "b": rng.normal(size=n_angle),
        "epsilon": rng.uniform(0.5, 2),
        "sigma": rng.uniform(3, 5),
        "k_dih": rng.uniform(0.3, 1, size=n_dihedral),
        "gamma_dih": rng.uniform(-3, 3, size=n_dihedral),
    }
    if weights.excluded_volume is not None:
        params |= {"epsilon_ex": rng.uniform(0.5, 2), "sigma_ex": rng.uniform(3, 4)}
    return Prior(weights, params)


def rotation(rng: np.random.Generator) -> np.ndarray:
    """A random proper rotation matrix."""
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return Q * np.linalg.det(Q)


def relative(a: Any, b: Any) -> float:
    """Largest difference between two arrays of one shape, relative to the largest absolute value of the second."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    if not b.size:
        return 0.0
    return float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-300))


# The physics in NumPy. R is (..., beads, 3), and all beads are real.


def np_coordinates(R: np.ndarray) -> dict[str, np.ndarray]:
    """Distances, angles and dihedrals of the rows of each term, (..., rows)."""
    return {name: explicit.value(_kind(name), R[..., rows, :]) for name, rows in _rows(R.shape[-2]).items()}


def np_energies(weights: Weights, params: Mapping[str, Any], R: np.ndarray) -> dict[str, np.ndarray]:
    """Weighted energy of each term."""
    q, p = np_coordinates(R), params
    series = {
        "bond": p["kr"] / 2 * (q["bond"] - p["r0"]) ** 2,
        "angle": sum(
            (a * np.cos(n * q["angle"]) + b * np.sin(n * q["angle"]) for n, a, b in _numbered(p["a"], p["b"])),
            start=np.zeros_like(q["angle"]),
        ),
        "dihedral": sum(
            (k * (1 + np.cos(n * q["dihedral"] - gamma)) for n, k, gamma in _numbered(p["k_dih"], p["gamma_dih"])),
            start=np.zeros_like(q["dihedral"]),
        ),
        "repulsive": p["epsilon"] * (p["sigma"] / q["repulsive"]) ** 4,
    }
    if weights.excluded_volume is not None:
        series["excluded_volume"] = p["epsilon_ex"] * (p["sigma_ex"] / q["excluded_volume"]) ** 4
    return {name: getattr(weights, name) * values.sum(axis=-1) for name, values in series.items()}


def np_forces(weights: Weights, params: Mapping[str, Any], R: np.ndarray) -> np.ndarray:
    """Minus the gradient of the energy."""
    q, p = np_coordinates(R), params
    slopes = {
        "bond": p["kr"] * (q["bond"] - p["r0"]),
        "angle": sum(
            (n * (b * np.cos(n * q["angle"]) - a * np.sin(n * q["angle"])) for n, a, b in _numbered(p["a"], p["b"])),
            start=np.zeros_like(q["angle"]),
        ),
        "dihedral": sum(
            (-n * k * np.sin(n * q["dihedral"] - gamma) for n, k, gamma in _numbered(p["k_dih"], p["gamma_dih"])),
            start=np.zeros_like(q["dihedral"]),
        ),
        "repulsive": -4 * p["epsilon"] * p["sigma"] ** 4 / q["repulsive"] ** 5,
    }
    if weights.excluded_volume is not None:
        slopes["excluded_volume"] = -4 * p["epsilon_ex"] * p["sigma_ex"] ** 4 / q["excluded_volume"] ** 5
    gradients = np_gradients(R)
    return -sum(
        (
            getattr(weights, name) * np.einsum("...r,...rix->...ix", slope, gradients[name])
            for name, slope in slopes.items()
        ),
        start=np.zeros_like(R),
    )


def np_matrix(weights: Weights, layout: Layout, R: np.ndarray) -> np.ndarray:
    """X with forces = X c, (..., beads, 3, n)."""
    harmonics = {
        "a": np.zeros(sum(name.startswith("a_") for name in layout.names)),
        "k_dih": np.zeros(sum("cos(gamma_" in name for name in layout.names)),
    }
    return explicit.matrix(R.reshape(-1, *R.shape[-2:]), weights, harmonics).reshape(*R.shape, -1)


def np_loss(weights: Weights, params: Mapping[str, Any], data: Any) -> float:
    """The masked loss: a sum over real beads divided by their number."""
    lengths = np.asarray(data.mask).astype(bool).sum(axis=1)
    total = 0.0
    for n in set(lengths.tolist()) - {0}:
        R, F = (np.asarray(x)[lengths == n, :n].astype(np.float64) for x in (data.R, data.F))
        total += float(np.sum((np_forces(weights, params, R) - F) ** 2))
    return total / max(int(lengths.sum()), 1)


def np_gradients(R: np.ndarray) -> dict[str, np.ndarray]:
    """Gradient of each coordinate, (..., rows, beads, 3)."""
    gradients = {}
    for name, rows in _rows(R.shape[-2]).items():
        local = explicit.value_and_gradient(_kind(name), R[..., rows, :])[1]
        gradients[name] = np.zeros((*local.shape[:-2], *R.shape[-2:]))
        for k, beads in enumerate(rows.T):
            gradients[name][..., np.arange(len(rows)), beads, :] = local[..., k, :]
    return gradients


def _kind(term: str) -> str:
    return term if term in SPANS else "bond"


def _rows(n: int) -> dict[str, np.ndarray]:
    """The beads of each row of each term, (rows, beads per row)."""
    apart = {
        name: [(i, j) for i in range(n) for j in range(i + nearest, min(i + farthest + 1, n))]
        for name, (nearest, farthest) in SEPARATIONS.items()
    }
    chained = {name: [tuple(range(i, i + width)) for i in range(n - width + 1)] for name, width in SPANS.items()}
    return {name: np.array(rows, int).reshape(-1, SPANS.get(name, 2)) for name, rows in (chained | apart).items()}


def _numbered(*series: Any) -> list[tuple[Any, ...]]:
    return [(n, *values) for n, values in enumerate(zip(*series, strict=True), start=1)]
