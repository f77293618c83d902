"""Forces against central differences of the energy for each term, and the gradient of the loss likewise."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import cgcore
from validation.check import Row, at_most, check
from validation.checks.engines import with_every_term
from validation.context import Context
from validation.geometries import by_term, geometries
from validation.tolerances import relative

STEP = 1e-3
"""Step [Å] of differences of fourth order: truncation and rounding are both below 1e-9 of a term's largest force
(observed: 1e-10)."""

TOLERANCE = 1e-7


@check("derivatives", quick=True, data_driven=True)
def derivatives(context: Context) -> Iterator[Row]:
    """Central differences of every term, of the total force, and of the loss with respect to every parameter."""
    prior = with_every_term(context.prior)
    sets = geometries(context.data, 2)
    chains = sets["real"] + sets["distorted"]
    moves = [d for R in chains for d in _shifted(R)]
    found = by_term(prior, chains + moves)
    ours, shifted = found[: len(chains)], iter(found[len(chains) :])
    differences = []
    for R in chains:
        E = [next(shifted) for _ in range(4 * R.size)]
        differences.append({term: _slope([e[term][0] for e in E]).reshape(R.shape) for term in ours[0]})
    for term in ours[0]:
        a, b = ([frame[term][1] for frame in ours], [-frame[term] for frame in differences])
        yield at_most(f"{term}, force", relative(np.concatenate(a), np.concatenate(b)), TOLERANCE, "relative")
    if context.quick:
        return
    total = sum((force for _, force in ours[0].values()), start=np.zeros_like(chains[0]))
    whole = jax.jit(cgcore.forces)(prior, prior.params, chains[0], np.ones(len(chains[0]), bool))
    yield at_most("all terms, force", relative(whole, total), 1e-12, "relative")
    yield from _parameters(context, prior)


def _parameters(context: Context, prior: cgcore.Prior) -> Iterator[Row]:
    batch = context.some(5).join()
    flat, unravel = ravel_pytree(prior.params)
    frames = jnp.asarray(batch.R, float), jnp.asarray(batch.F, float), jnp.asarray(batch.mask, bool)

    def loss(x: jax.Array) -> jax.Array:
        return cgcore.force_matching_loss(prior, unravel(x), *frames)

    flat = np.asarray(flat)
    steps = STEP * np.maximum(np.abs(flat), 0.1)
    points = flat + np.concatenate([np.diag(k * steps) for k in OFFSETS], axis=1).reshape(len(flat), 4, len(flat))
    values = np.asarray(jax.jit(jax.vmap(loss))(jnp.asarray(points.reshape(-1, len(flat)))))
    numbers = (values.reshape(-1, 4) @ WEIGHTS) / steps
    grad = np.asarray(jax.jit(jax.grad(loss))(jnp.asarray(flat)))
    scale = np.maximum(np.abs(flat), 0.1)
    yield at_most("loss, gradient in the parameters", relative(grad * scale, numbers * scale), TOLERANCE, "relative")


OFFSETS = (-2, -1, 1, 2)
WEIGHTS = np.array([1, -8, 8, -1]) / 12


def _shifted(R: np.ndarray) -> list[np.ndarray]:
    """The chain with each coordinate displaced by each offset."""
    every = []
    for place in np.ndindex(R.shape):
        for k in OFFSETS:
            moved = R.copy()
            moved[place] += k * STEP
            every.append(moved)
    return every


def _slope(values: list[np.ndarray]) -> np.ndarray:
    return np.reshape(values, (-1, 4)) @ WEIGHTS / STEP
