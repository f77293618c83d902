"""The prior's terms: energy [kcal/mol] of one bond, angle, dihedral or pair."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Float

Real = Any
"""Arrays of JAX, where a fit is traced, or of NumPy, as in a `Prior`."""

Scalar = Float[Real, ""]


def harmonic_bond(r: Scalar, r0: Scalar, kr: Scalar) -> Scalar:
    """kr/2 (r - r0)^2, with r and r0 [Å], kr [kcal/mol/Å²]."""
    return kr / 2 * (r - r0) ** 2


def fourier_angle(theta: Scalar, a: Float[Real, " n"], b: Float[Real, " n"]) -> Scalar:
    """sum_n a_n cos(n theta) + b_n sin(n theta), n = 1, 2, ..., with a, b [kcal/mol]."""
    n_theta = _harmonics(a) * theta
    return jnp.sum(a * jnp.cos(n_theta) + b * jnp.sin(n_theta))


def cosine_dihedral(phi: Scalar, k: Float[Real, "*axes n"], gamma: Float[Real, "*axes n"]) -> Scalar:
    """sum_n k_n [1 + cos(n phi - gamma_n)], n = 1, 2, ... along the last axis, with k [kcal/mol], gamma [rad]."""
    return jnp.sum(k * (1 + jnp.cos(_harmonics(k) * phi - gamma)))


def soft_repulsion(r: Scalar, epsilon: Scalar, sigma: Scalar) -> Scalar:
    """epsilon (sigma/r)^4, with epsilon [kcal/mol], sigma and r [Å]."""
    return epsilon * (sigma / r) ** 4


def _harmonics(series: Float[Real, "*axes n"]) -> Float[Real, "*ones n"]:
    """1, 2, ... along the last axis, with as many axes as the series has."""
    n = jnp.arange(1, series.shape[-1] + 1, dtype=series.dtype)
    return jnp.expand_dims(n, range(series.ndim - 1))
