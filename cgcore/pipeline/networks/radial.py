"""Functions of a distance, in units of the cutoff."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float


def envelope(x: Float[Array, "*slots"], p: int) -> Float[Array, "*slots"]:
    """Polynomial envelope u(x): 1 - O(x^p) near 0; it vanishes with two derivatives at x = 1, and is 0 beyond.

    Gasteiger, Gross and Günnemann, Directional message passing for molecular graphs, ICLR 2020, equation 8, here in
    factored form, which loses no digits where it is small: u = (1 - x)^3 sum_k (k+1)(k+2)/2 x^k, k = 0 ... p-1.
    """
    x = jnp.minimum(x, 1)
    series = jnp.polyval(jnp.asarray([(k + 1) * (k + 2) // 2 for k in reversed(range(p))], x.dtype), x, unroll=p)
    return (1 - x) ** 3 * series


def bessel(x: Float[Array, "*slots"], number: int) -> Float[Array, "*slots number"]:
    """sqrt(2) sin(n pi x) / x for n = 1 ... number; equation 7 of the same paper for a cutoff of 1."""
    n = jnp.expand_dims(jnp.arange(1, number + 1, dtype=x.dtype), range(x.ndim))
    return math.sqrt(2) * math.pi * n * jnp.sinc(n * x[..., None])
