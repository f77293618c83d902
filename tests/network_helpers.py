"""Numerical measures of properties that every network must have; tests set the bounds."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from helpers import chain, rotation

from cgcore.pipeline.networks.network import Network

N_SPECIES = 5


class Frame(NamedTuple):
    """One frame, as a network's `energy` takes it."""

    R: Any
    mask: Any
    species: Any


@partial(jax.jit, static_argnums=0)
def _evaluate(network: Network, params: Any, frame: Frame) -> tuple[jax.Array, jax.Array]:
    energy, gradient = jax.value_and_grad(network.energy, argnums=1)(params, *frame)
    return energy, -gradient


def evaluate(network: Network, params: Any, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """Energy and forces, compiled once for each network and shape."""
    energy, forces = _evaluate(network, params, frame)
    return np.asarray(energy), np.asarray(forces)


@partial(jax.jit, static_argnums=0)
def force_loss_gradient(network: Network, params: Any, frame: Frame, F: Any) -> Any:
    """Gradient, with respect to the parameters, of the squared difference between the forces and F on real beads."""

    def loss(params: Any) -> jax.Array:
        forces = -jax.grad(network.energy, argnums=1)(params, *frame)
        return jnp.sum(jnp.where(frame.mask[:, None], forces - F, 0) ** 2)

    return jax.value_and_grad(loss)(params)


def random_frame(seed: int, n_beads: int, dtype: Any = np.float64) -> Frame:
    """A centred chain in which all beads are real."""
    rng = np.random.default_rng(seed)
    R = chain(rng, n_beads)
    return Frame((R - R.mean(axis=0)).astype(dtype), np.ones(n_beads, bool), rng.integers(0, N_SPECIES, n_beads))


def padded(frame: Frame, n_beads: int, fill: float = 0.0, species: int = 0) -> Frame:
    """The frame padded to n_beads, with padded beads at `fill`."""
    more = n_beads - len(frame.R)
    return Frame(
        np.concatenate([frame.R, np.full((more, 3), fill, frame.R.dtype)]),
        np.concatenate([frame.mask, np.zeros(more, bool)]),
        np.concatenate([frame.species, np.full(more, species)]),
    )


class Errors(NamedTuple):
    """Errors of energies and forces: norm of the differences over many frames, relative to the norm of the values."""

    energy: float
    forces: float


def symmetry_errors(network: Network, params: Any, symmetry: str, frames: list[Frame]) -> Errors:
    """Deviation from an exact symmetry: "rotation", "reflection", "translation" or "permutation"."""
    results = []
    for number, frame in enumerate(frames):
        rng = np.random.default_rng(number)
        Q, shift, order = np.eye(3), np.zeros(3), np.arange(len(frame.R))
        match symmetry:
            case "rotation":
                Q = rotation(rng)
            case "reflection":
                Q = -rotation(rng)
            case "translation":
                shift = rng.uniform(-5, 5, 3)
            case "permutation":
                order = rng.permutation(order)
        R = (frame.R.astype(np.float64) @ Q.T + shift)[order].astype(frame.R.dtype)
        energy, forces = evaluate(network, params, frame)
        moved = evaluate(network, params, Frame(R, frame.mask[order], frame.species[order]))
        results.append((energy, (forces.astype(np.float64) @ Q.T)[order], *moved))
    E, F, moved_E, moved_F = (np.array(column, np.float64) for column in zip(*results, strict=True))
    assert np.linalg.norm(F) > 1e-3
    return Errors(
        float(np.linalg.norm(moved_E - E) / np.linalg.norm(E)), float(np.linalg.norm(moved_F - F) / np.linalg.norm(F))
    )


def central_differences(network: Network, params: Any, frame: Frame, h: float = 1e-4) -> np.ndarray:
    """Forces from energies alone, accurate to fourth order in h."""

    def difference(step: float) -> np.ndarray:
        forces = np.zeros_like(frame.R)
        for index in np.ndindex(frame.R.shape):
            ends = []
            for sign in (1, -1):
                R = frame.R.copy()
                R[index] += sign * step
                ends.append(evaluate(network, params, frame._replace(R=R))[0])
            forces[index] = (ends[1] - ends[0]) / (2 * step)
        return forces

    return (4 * difference(h) - difference(2 * h)) / 3


def orders_at_cutoff(network: Network, params: Any, cutoff: float) -> tuple[float, float]:
    """The power of the distance to the cutoff with which a bead's effect on energy and forces vanishes there.

    Two beads are close to each other, and a third crosses the cutoff of one of them, out of reach of the other.
    """

    def effect(inside: float) -> tuple[float, float]:
        three = np.array([[-cutoff / 2, 0.3, 0], [0, 0, 0], [cutoff - inside, 0, 0]])
        energy, forces = evaluate(network, params, padded(Frame(three, np.ones(3, bool), np.arange(3)), 10))
        return float(energy), float(np.abs(forces[2]).max())

    beyond = effect(-1e-9)
    assert beyond == (effect(-1.0)[0], 0.0)
    near, nearer = effect(4e-2), effect(2e-2)
    return (
        float(np.log2((near[0] - beyond[0]) / (nearer[0] - beyond[0]))),
        float(np.log2(near[1] / nearer[1])),
    )
