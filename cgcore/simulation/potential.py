"""Models as functions that return the forces on the beads of many chains at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.constants import KCAL_PER_MOL
from cgcore.errors import InputError
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.energy import energy as prior_energy
from cgcore.physics.prior import Prior
from cgcore.physics.stiffness import bond_stiffness
from cgcore.simulation.chain_forces import chain_forces
from cgcore.simulation.langevin import Forces


@dataclass(frozen=True, eq=False)
class Potential:
    """A model in the form that the integrator uses.

    Arguments:
        name: name to show.
        forces: function from positions (xyz, beads, replicas) in float64 to forces, in any precision.
        identity: text that differs between different potentials; a run can only be resumed with the same one.
        stiffness: stiffness of a bond [kcal/mol/Å²], for which the time step must be short enough; None if unknown.
    """

    name: str
    forces: Forces
    identity: str
    stiffness: float | None = None

    def longest_timestep(self, mass: float) -> float:
        """The time step at which the stiffest bond vibration becomes unstable [fs]; infinite if it is unknown.

        A chain of equal masses and springs k has frequencies below 2 sqrt(k/m) [rad/ps], and time steps are stable
        below 2 divided by the frequency.
        """
        if self.stiffness is None or self.stiffness <= 0:
            return float("inf")
        return 1000 / float(np.sqrt(self.stiffness * KCAL_PER_MOL / mass))


def prior_potential(prior: Prior, species: Int[np.ndarray, " beads"] | None = None) -> Potential:
    """The potential of a prior, in float64; forces are analytic unless it has splines.

    Arguments:
        prior: weights, parameters and splines.
        species: species of the chain's beads, for terms and splines that depend on them; None for the shared ones.

    Raises:
        InputError: all terms are zero.
    """
    if prior.splines is not None:
        return _spline_potential(prior, species)
    layout, c = Layout.of(prior), to_coefficients(prior.params, terms=prior.terms)
    if not any(term.weight and np.any(c[layout.slices[term.name]] != 0) for term in layout.terms):
        raise InputError("every term of the prior is 0, by its weight or its parameters; there is nothing to simulate")
    constant = tuple(c.tolist())

    def forces(R: Float[Array, "xyz beads replicas"]) -> Float[Array, "xyz beads replicas"]:
        return chain_forces(layout, jnp.asarray(constant, R.dtype), R, species=species)

    kinds = [species] if any(term.groups is not None for term in layout.terms) else []
    return Potential("prior", forces, _digest([*_declared(prior), c, *kinds]), bond_stiffness(prior, prior.params))


def _spline_potential(prior: Prior, species: Int[np.ndarray, " beads"] | None) -> Potential:
    params = {name: np.asarray(value, np.float64) for name, value in prior.params.items()}

    def energy(R: Float[Array, "beads 3"]) -> Float[Array, ""]:
        return prior_energy(prior, params, R, jnp.ones(len(R), bool), species)

    assert prior.splines is not None
    identity = _digest([*_declared(prior), *jax.tree.leaves(params), species])
    stiffness = bond_stiffness(prior, prior.params)
    return Potential("prior with splines", _gradients(energy), f"{identity} {prior.splines.sha256}", stiffness)


def _declared(prior: Prior) -> list[Any]:
    """Plain values that identify the terms, except for their coefficients."""
    further = [json.dumps(term.as_dict(), default=str) for term in prior.further]
    return [[term.weight for term in prior.terms], *further]


def model_potential(model: Any, params: Any, species: Int[np.ndarray, " beads"]) -> Potential:
    """The potential of a trained model, whose energy is differentiated in the precision of its parameters.

    Arguments:
        model: a model with `compute_energy(params, R, mask, species)`, such as `cgcore.pipeline.CombinedModel`, for
            frames with as many beads as `species`.
        params: parameters of the model.
        species: species of the chain's beads.
    """
    dtype = jnp.dtype(model.dtype)
    kind = "prior" if model.prior is not None else ""
    name = " + ".join(part for part in (kind, model.network_name) if part)
    energy = energy_of(model.compute_energy, params, species)

    stiffness, identity = None, _digest([*jax.tree.leaves(params), species])
    if (prior := model.prior) is not None and prior.splines is not None:
        identity += f" {prior.splines.sha256}"
    if prior is not None:
        stiffness = bond_stiffness(prior, params["prior"])
    return Potential(name, _gradients(energy, dtype), identity, stiffness)


def _gradients(energy: Callable[[Float[Array, "beads 3"]], Float[Array, ""]], dtype: Any = jnp.float64) -> Forces:
    """Forces on many chains from the energy of one chain, differentiated in this precision."""

    def forces(R: Float[Array, "xyz beads replicas"]) -> Float[Array, "xyz beads replicas"]:
        # Centred: far from the origin, a lower precision has no digits left for distances.
        centred = (R - jnp.mean(R, axis=1, keepdims=True)).astype(dtype)
        gradient = jax.vmap(jax.grad(energy))(jnp.transpose(centred, (2, 1, 0)))
        return -jnp.transpose(gradient, (2, 1, 0)).astype(R.dtype)

    return forces


def energy_of(
    energy: Callable[..., Array], params: Any, species: Int[np.ndarray, " beads"]
) -> Callable[[Float[Array, "beads 3"]], Float[Array, ""]]:
    """The energy as a function of positions only, with all beads real."""
    fixed = params, np.ones(len(species), bool), np.asarray(species, np.int32)

    def of_positions(R: Float[Array, "beads 3"]) -> Float[Array, ""]:
        own, mask, kinds = jax.tree.map(jnp.asarray, fixed)
        return energy(own, R, mask, kinds)

    return of_positions


def _digest(arrays: list[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(np.asarray(array)).tobytes())
    return digest.hexdigest()
