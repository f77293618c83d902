"""Check by the exact Hessian whether a point at which a minimisation stopped is a minimum.

A small gradient proves little: on a plateau, in badly scaled variables and at a saddle point it is small far from any
minimum. The Newton decrement does not depend on the scale of the variables.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

RESOLVED = 1e-6
"""Largest fraction of the loss that a Newton step may still gain at a minimum."""


class Confirmation(NamedTuple):
    """The evaluation of a point by its Hessian.

    Arguments:
        upward: whether no curvature is negative and the point is not on a plateau.
        excess: ratio of the Newton decrement to the allowed one; at most 1 at a minimum.
        products: number of Hessian-vector products that were computed.
    """

    upward: bool
    excess: float
    products: int


def confirmation(
    loss: Callable[..., Float[Array, ""]],
    params: PyTree,
    value: Float[Array, ""],
    grad: PyTree,
    start: PyTree,
    initial: Float[Array, ""],
    *args: Any,
) -> Confirmation:
    """Judge `params`, where `loss` has this value and gradient, reached from `start`, where it has the value `initial`.

    The Hessian is scaled to a unit diagonal. The decrement g' H^-1 g / 2 is the gain that a quadratic model predicts.
    The cost is one Hessian-vector product per parameter, or two if the Hessian is singular, and memory for parameters²
    numbers.

    Source: Boyd and Vandenberghe, Convex Optimization, section 9.5.1.
    """
    hessian = np.asarray(_hessian(loss, params, *args))
    slope = np.asarray(ravel_pytree(grad)[0])
    eps, tiny = (float(getattr(np.finfo(hessian.dtype), name)) for name in ("eps", "tiny"))
    if not np.all(np.isfinite(hessian)):
        return Confirmation(upward=False, excess=np.inf, products=slope.size)
    diagonal = np.abs(np.diag(hessian))
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
    curvature, axes = np.linalg.eigh((hessian + hessian.T) / 2 * scale[:, None] * scale[None])
    decrement = np.sum((axes.T @ (scale * slope)) ** 2 / np.maximum(curvature, 10 * slope.size * eps)) / 2
    # A loss that approaches zero sets no scale of its own; it is compared with the initial loss.
    allowed = max(RESOLVED * abs(float(value)), eps**2 * abs(float(initial)))
    # With redundant parameters the Hessian is singular at the minimum. Near it, its error is of the size of the
    # residual gradient, which rounding limits to the square root of machine epsilon: smaller curvatures are flat.
    flat, upward = curvature[0] < eps**0.5, bool(curvature[0] >= -(eps**0.5))
    if flat and upward:
        # The Hessian is also singular on a plateau, where parameters have run off to values without effect.
        before = np.abs(np.diag(np.asarray(_hessian(loss, start, *args))))
        kept = np.where(diagonal < before, diagonal / np.where(before > 0, before, 1), 1)
        upward = bool(axes[:, 0] ** 2 @ kept >= eps**0.5)
    return Confirmation(upward, float(decrement / max(allowed, tiny)), slope.size * (2 if flat else 1))


@partial(jax.jit, static_argnums=0)
def _hessian(loss: Callable[..., Float[Array, ""]], params: PyTree, *args: Any) -> Float[Array, "n n"]:
    """Compute column by column, so that memory does not grow with the number of parameters times that of frames."""
    x, unravel = ravel_pytree(params)
    slope = jax.grad(lambda x: loss(unravel(x), *args))
    return jax.lax.map(lambda v: jax.jvp(slope, (x,), (v,))[1], jnp.eye(x.size, dtype=x.dtype))
