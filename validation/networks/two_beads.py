"""What a network says of two beads: cut-off, envelope, species, and invariance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from validation.check import Row, at_least, at_most
from validation.tolerances import relative

CUTOFF, CLOSE = 8.0, 1e-3
"""Cut-off of the network [Å], and distance from it at which energies and forces are compared. The envelope decreases
at least as the third power, so there they are below 1e-6 of their values at half the cut-off."""

NETWORK = {"max_ell": 1, "num_layers": 1, "n_radial_basis": 4, "embed_n_hidden": [4], "species_embed": 2}
NETWORK |= {"mlp_n_hidden": 8, "mlp_n_layers": 1}


def network_of_a_pair(model: Any, params: Any) -> Iterator[Row]:
    """Energy of a pair: smooth at the cut-off, dependent on species, and invariant under rotation and translation."""
    beads = model.N_max
    mask = jnp.arange(beads) < 2

    def energy(R: Any, species: Any) -> Any:
        return model.compute_components(params, R, mask, species)["network"]

    both = jax.jit(jax.vmap(jax.value_and_grad(energy)))
    half = CUTOFF / 2
    distances = np.array([half, CUTOFF - CLOSE, CUTOFF + CLOSE, 2 * CUTOFF, half, half, half, half])
    R = np.full((len(distances), beads, 3), np.nan)
    R[:, :2] = 0.0
    R[:, 1, 0] = distances
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    R[5, :2] = R[5, :2] @ turn + np.array([3.0, -2.0, 1.0])
    species = np.zeros((len(distances), beads), int)
    species[:, :2] = [[0, 1], [0, 1], [0, 1], [0, 1], [0, 2], [0, 1], [0, 0], [1, 1]]
    E, dE = jax.device_get(both(R, species))
    felt, force = abs(E[0] - E[3]), np.abs(dE[:, :2]).max(axis=(1, 2))
    yield at_least("network, energy of a pair", felt, 1e-6, "kcal/mol")
    yield at_most("network, energy across its cut-off", abs(E[1] - E[2]) / felt, 1e-6, "of that at half of it")
    yield at_most("network, force within its cut-off", force[1] / force[0], 1e-5, "of that at half of it")
    yield at_most("network, force beyond its cut-off", force[2:4].max() / force[0], 0.0)
    yield at_least("network, energy of another species", abs(E[4] - E[0]) / felt, 1e-3, "relative")
    # Half of a pair's energy belongs to each bead; each half depends on both species, not only on that of its own bead.
    mixed = abs(E[6] + E[7] - 2 * E[0]) / felt
    yield at_least("network, energy of unlike beads beside the mean of like ones", mixed, 1e-3, "relative")
    yield at_most("network, energy turned and moved", abs(E[5] - E[0]) / felt, 1e-9, "relative")


def envelope(model: Any, params: Any) -> Iterator[Row]:
    """The envelope of a pair's energy: the polynomial of order p whose value and first two derivatives are 0 at the
    cut-off, by which the energy is proportional to it if nothing else depends on the distance."""
    p, network = model.settings.model.network.allegro.envelope_p, params["allegro"]
    first, layer = network["two_body"][0], network["layers"][0]
    radial = jnp.arange(len(first))[:, None] >= len(first) - NETWORK["n_radial_basis"]
    layer = layer | {"latent": [*layer["latent"][:-1], 0 * layer["latent"][-1]]}
    network |= {"two_body": [jnp.where(radial, 0.0, first), *network["two_body"][1:]], "layers": [layer]}
    x = np.linspace(0.1, 0.9, 9)
    R = np.full((len(x), model.N_max, 3), np.nan)
    R[:, :2], R[:, 1, 0] = 0.0, CUTOFF * x
    species, mask = np.arange(model.N_max) % 2, np.arange(model.N_max) < 2
    own = params | {"allegro": network}
    E = jax.jit(jax.vmap(lambda R: model.compute_components(own, R, mask, species)["network"]))(R)
    matrix = [[1.0, 1.0, 1.0], [p, p + 1, p + 2], [p * (p - 1), (p + 1) * p, (p + 2) * (p + 1)]]
    c = np.linalg.solve(matrix, [-1.0, 0.0, 0.0])
    u = 1 + x[:, None] ** np.arange(p, p + 3) @ c
    yield at_most("network, envelope of order p", relative(E / E[0], u / u[0]), 1e-9, "relative")
