"""Fully connected layers without biases, so that 0 stays 0."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Float


def random(key: jax.Array, shape: tuple[int, ...], inputs: int, dtype: DTypeLike) -> Array:
    """Normal numbers of variance 1/inputs: a sum over the inputs then varies as much as they do."""
    return jax.random.normal(key, shape, dtype) / jnp.sqrt(jnp.asarray(inputs, dtype))


def init_mlp(key: jax.Array, widths: tuple[int, ...], dtype: DTypeLike) -> list[Array]:
    """A matrix for each layer, from widths[0] inputs to widths[-1] outputs."""
    keys = jax.random.split(key, len(widths) - 1)
    return [random(k, shape, shape[0], dtype) for k, shape in zip(keys, pairwise(widths), strict=True)]


def mlp(weights: list[Array], x: Float[Array, "*slots inputs"]) -> Float[Array, "*slots outputs"]:
    """SiLU between layers, none after the last."""
    for matrix in weights[:-1]:
        x = silu(x @ matrix)
    return x @ weights[-1]


def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """z sigmoid(z), times a constant that makes its mean square 1 where z is standard normal."""
    return 1.6791767 * jax.nn.silu(x)
