"""The loss for SciPy: value and gradient as functions of a flat vector, in three ways and two coordinate systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import cgcore
from validation.explicit import System

ValueAndGrad = Callable[[np.ndarray], tuple[float, np.ndarray]]


def squares(A: np.ndarray, z: np.ndarray, beads: int, rest: float = 0.0) -> ValueAndGrad:
    """(|A c - z|^2 + rest) / beads as a function of c."""

    def loss(c: np.ndarray) -> tuple[float, np.ndarray]:
        residual = A @ c - z
        return (float(residual @ residual) + rest) / beads, 2 * A.T @ residual / beads

    return loss


def of_factor(factor: cgcore.Factor) -> ValueAndGrad:
    """The loss computed from the factor [A z; 0 rho]."""
    S = np.asarray(factor.S)
    return squares(S[:-1, :-1], S[:-1, -1], factor.beads, float(S[-1, -1] ** 2))


def of_matrix(system: System) -> ValueAndGrad:
    """The loss computed from the explicit matrix."""
    return squares(system.X, system.F, system.beads)


def in_directions(loss: ValueAndGrad, start: np.ndarray, basis: np.ndarray) -> ValueAndGrad:
    """The loss at c = start + basis @ y, as a function of y."""

    def moved(y: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = loss(start + basis @ y)
        return value, basis.T @ grad

    return moved


def in_parameters(loss: ValueAndGrad, prior: cgcore.Prior) -> tuple[ValueAndGrad, np.ndarray]:
    """The loss at c(parameters) as a function of the flat parameters, and the flat starting parameters."""
    flat, unravel = ravel_pytree(prior.params)
    coefficients = jax.jit(lambda x: cgcore.to_coefficients(unravel(x), jnp))
    jacobian = jax.jit(jax.jacobian(lambda x: cgcore.to_coefficients(unravel(x), jnp)))

    def moved(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = loss(np.asarray(coefficients(x)))
        return value, np.asarray(jacobian(x)).T @ grad

    return moved, np.asarray(flat)


def direct(batch: Any, prior: cgcore.Prior, params_of: Callable[[jax.Array], dict]) -> ValueAndGrad:
    """`cgcore.force_matching_loss` over the data at the parameters `params_of(x)`, as a function of x."""
    R, F, mask = np.asarray(batch.R, float), np.asarray(batch.F, float), np.asarray(batch.mask, bool)

    @jax.jit
    def both(x: jax.Array, R: jax.Array, F: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
        loss = jax.value_and_grad(lambda x: cgcore.force_matching_loss(prior, params_of(x), R, F, mask))
        return loss(x)

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = both(jnp.asarray(x), R, F, mask)
        return float(value), np.asarray(grad)

    return loss


def parameters_of_coefficients(prior: cgcore.Prior) -> Callable[[jax.Array], dict]:
    """A differentiable inverse of c(parameters), for dihedral amplitudes that are not 0."""
    p = prior.params
    n, k = len(p["a"]), len(p["k_dih"])

    def params(c: jax.Array) -> dict:
        kr, kr_r0, a, b, cosine, sine, *repulsion = jnp.split(c, np.cumsum([1, 1, n, n, k, k, 1]))
        found = {
            "kr": kr[0],
            "r0": (kr_r0 / kr)[0],
            "a": a,
            "b": b,
            "epsilon": repulsion[0][0] / p["sigma"] ** 4,
            "sigma": p["sigma"],
            "k_dih": jnp.sqrt(cosine**2 + sine**2),
            "gamma_dih": jnp.arctan2(sine, cosine),
        }
        if "epsilon_ex" in p:
            found |= {"epsilon_ex": repulsion[1][0] / p["sigma_ex"] ** 4, "sigma_ex": p["sigma_ex"]}
        return found

    return params
