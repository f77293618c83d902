"""Whether a point where a minimisation stopped is a minimum, from the exact Hessian.

A small gradient proves little: on a plateau, in badly scaled variables and at a saddle it is small far from any
minimum. What does not depend on the scale of the variables is the Newton decrement.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

RESOLVED = 1e-6
"""Part of the loss that a Newton step may still gain at a minimum."""


class Confirmation(NamedTuple):
    """What the Hessian says of a point: whether no curvature points down, and the Newton decrement over what is
    allowed of it (at most 1 at a minimum)."""

    upward: Bool[Array, ""]
    excess: Float[Array, ""]


@partial(jax.jit, static_argnums=0)
def confirmation(
    loss: Callable[..., Float[Array, ""]], params: PyTree, value: Array, grad: PyTree, initial: Array, *args: Any
) -> Confirmation:
    """Judge `params`, where `loss` has this value and gradient, having started from the value `initial`.

    Costs one Hessian-vector product a parameter, one at a time, and parameters² numbers. The Hessian is scaled to a
    unit diagonal. The decrement g' H^-1 g / 2 is what a quadratic model has still to gain.

    Source: Boyd and Vandenberghe, Convex Optimization, section 9.5.1.
    """
    x, unravel = ravel_pytree(params)
    slope = jax.grad(lambda x: loss(unravel(x), *args))
    columns = jax.lax.map(lambda v: jax.jvp(slope, (x,), (v,))[1], jnp.eye(x.size, dtype=x.dtype))
    diagonal = jnp.abs(jnp.diag(columns))
    scale = jnp.where(diagonal > 0, 1 / jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1)), 1)
    scaled = (columns + columns.T) / 2 * scale[:, None] * scale[None]
    finite = jnp.all(jnp.isfinite(scaled))
    curvature, axes = jnp.linalg.eigh(jnp.where(finite, scaled, 0))
    eps = jnp.finfo(x.dtype).eps
    along = axes.T @ (scale * ravel_pytree(grad)[0])
    decrement = jnp.sum(along**2 / jnp.maximum(curvature, 10 * x.size * eps)) / 2
    # A loss that goes to zero has no digits of its own to be compared with, only those of where it came from.
    allowed = jnp.maximum(RESOLVED * jnp.abs(value), eps**2 * jnp.abs(initial))
    tiny = jnp.finfo(x.dtype).tiny
    # Where parameters are redundant the Hessian is singular at the minimum and off by the residual gradient beside
    # it, which rounding leaves at the root of machine epsilon: that much downwards is flat.
    return Confirmation(finite & (curvature[0] >= -jnp.sqrt(eps)), decrement / jnp.maximum(allowed, tiny))
