"""The coefficients that forces are linear in, and the way back to parameters in one canonical gauge.

c = (kr, kr*r0, a_n, b_n, k_n cos(gamma_n), k_n sin(gamma_n), epsilon*sigma^4 [, epsilon_ex*sigma_ex^4])
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgcore.physics.prior import Params, Prior


@dataclass(frozen=True)
class Layout:
    """Where each coefficient stands in c; hashable, so that compiled functions can depend on it."""

    n_angle: int
    n_dihedral: int
    excluded_volume: bool = False

    @classmethod
    def of(cls, prior: Prior) -> Layout:
        """The layout of a prior's coefficients."""
        p = prior.params
        return cls(len(p["a"]), len(p["k_dih"]), prior.weights.excluded_volume is not None)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each coefficient."""
        angle, dihedral = range(1, self.n_angle + 1), range(1, self.n_dihedral + 1)
        return (
            "kr",
            "kr*r0",
            *(f"a_{n}" for n in angle),
            *(f"b_{n}" for n in angle),
            *(f"k_{n} cos(gamma_{n})" for n in dihedral),
            *(f"k_{n} sin(gamma_{n})" for n in dihedral),
            "epsilon*sigma^4",
            *(("epsilon_ex*sigma_ex^4",) if self.excluded_volume else ()),
        )

    @property
    def terms(self) -> dict[str, slice]:
        """The coefficients of each term."""
        angle, dihedral = 2 + 2 * self.n_angle, 2 + 2 * self.n_angle + 2 * self.n_dihedral
        terms = {
            "bond": slice(0, 2),
            "angle": slice(2, angle),
            "dihedral": slice(angle, dihedral),
            "repulsive": slice(dihedral, dihedral + 1),
        }
        return terms | ({"excluded_volume": slice(dihedral + 1, dihedral + 2)} if self.excluded_volume else {})

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return 3 + 2 * self.n_angle + 2 * self.n_dihedral + self.excluded_volume


def to_coefficients(params: Params, xp: ModuleType = np) -> Any:
    """c of these parameters, shape (n,), computed with NumPy or, to differentiate, with xp=jax.numpy."""
    parts = [
        xp.stack([params["kr"], params["kr"] * params["r0"]]),
        params["a"],
        params["b"],
        params["k_dih"] * xp.cos(params["gamma_dih"]),
        params["k_dih"] * xp.sin(params["gamma_dih"]),
        (params["epsilon"] * params["sigma"] ** 4)[None],
    ]
    if "epsilon_ex" in params:
        parts.append((params["epsilon_ex"] * params["sigma_ex"] ** 4)[None])
    return xp.concatenate(parts)


def to_params(c: Float[np.ndarray, " n"], start: Params) -> Params:
    """Parameters with the coefficients c, in the canonical gauge.

    k_dih >= 0 and gamma_dih in (-pi, pi]; sigma (and sigma_ex) as in `start`, epsilon carries the scale. What c
    does not determine stays as in `start`: r0 where kr = 0, gamma where k = 0, epsilon where sigma = 0.
    """
    c, start = np.asarray(c, np.float64), {name: np.asarray(v, np.float64) for name, v in start.items()}
    n, k = len(start["a"]), len(start["k_dih"])
    kr, kr_r0, a, b, cosines, sines, repulsion = np.split(c, np.cumsum([1, 1, n, n, k, k]))
    amplitude = np.hypot(cosines, sines)
    params = {
        "r0": kr_r0[0] / kr[0] if kr[0] != 0 else start["r0"],
        "kr": kr[0],
        "a": a,
        "b": b,
        "epsilon": _unscaled(repulsion[0], start["epsilon"], start["sigma"]),
        "sigma": start["sigma"],
        "k_dih": amplitude,
        "gamma_dih": np.where(amplitude > 0, _half_open(np.arctan2(sines, cosines)), start["gamma_dih"]),
    }
    if "epsilon_ex" in start:
        params["epsilon_ex"] = _unscaled(repulsion[1], start["epsilon_ex"], start["sigma_ex"])
        params["sigma_ex"] = start["sigma_ex"]
    return {name: np.asarray(value) for name, value in params.items()}


def to_cartesian(c: Float[Array, " n"], start: Params) -> Params:
    """Parameters with the coefficients c, differentiable also where a dihedral amplitude is 0.

    Each dihedral harmonic is written as two, k cos(gamma) at phase 0 and k sin(gamma) at phase pi/2: k_dih and
    gamma_dih get the shape (2, n), which `terms.cosine_dihedral` sums over.
    """
    n, k = start["a"].shape[0], start["k_dih"].shape[-1]
    kr, kr_r0, a, b, cosines, sines, *repulsion = jnp.split(c, np.cumsum([1, 1, n, n, k, k, 1]))
    params = {
        "r0": (kr_r0 / kr)[0],
        "kr": kr[0],
        "a": a,
        "b": b,
        "epsilon": repulsion[0][0] / start["sigma"] ** 4,
        "sigma": start["sigma"],
        "k_dih": jnp.stack([cosines, sines]),
        "gamma_dih": jnp.stack([jnp.zeros_like(cosines), jnp.full_like(sines, jnp.pi / 2)]),
    }
    if "epsilon_ex" in start:
        params["epsilon_ex"] = repulsion[1][0] / start["sigma_ex"] ** 4
        params["sigma_ex"] = start["sigma_ex"]
    return params


def _unscaled(scaled: np.float64, epsilon: np.ndarray, sigma: np.ndarray) -> np.ndarray | np.float64:
    return scaled / sigma**4 if sigma != 0 else epsilon


def _half_open(gamma: np.ndarray) -> np.ndarray:
    """(-pi, pi]: arctan2 gives -pi where the sine is -0."""
    return np.where(gamma == -np.pi, np.pi, gamma)
