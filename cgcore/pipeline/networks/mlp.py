"""Fully connected layers without biases, which map 0 to 0."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Array, Float


class Normal(NamedTuple):
    """An array to draw from a normal distribution with variance 1/inputs, which preserves the inputs' variance."""

    shape: tuple[int, ...]
    inputs: int


def mlp_shape(*widths: int) -> list[Normal]:
    """A matrix for each layer, from widths[0] inputs to widths[-1] outputs."""
    return [Normal(shape, shape[0]) for shape in pairwise(widths)]


def draw(key: jax.Array, shapes: Any, dtype: DTypeLike) -> Any:
    """Draw a pytree of `Normal`; all come from one array, since each call of a generator takes long to compile."""
    leaves, structure = jax.tree.flatten(shapes, is_leaf=lambda node: isinstance(node, Normal))
    ends = np.cumsum([math.prod(leaf.shape) for leaf in leaves])
    parts = jnp.split(jax.random.normal(key, (ends[-1],), dtype), ends[:-1])
    scaled = [part.reshape(leaf.shape) / math.sqrt(leaf.inputs) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, scaled)


def mlp(weights: list[Array], x: Float[Array, "*slots inputs"]) -> Float[Array, "*slots outputs"]:
    """Apply the layers, with SiLU between them but not after the last."""
    for matrix in weights[:-1]:
        x = silu(x @ matrix)
    return x @ weights[-1]


def silu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """z sigmoid(z), times e3nn's constant, which makes its mean square nearly 1 (1.003) for standard normal z."""
    return 1.6791767 * jax.nn.silu(x)
