"""Allegro with one layer, implemented from the paper alone."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from network_helpers import N_SPECIES, evaluate, random_frame
from numpy.polynomial import legendre

from cgcore.config.networks import AllegroSettings
from cgcore.physics.space import free
from cgcore.pipeline.networks.allegro import ALPHA, Allegro

CUTOFF = 9.0


@pytest.mark.slow
def test_one_layer_is_the_formula_of_the_paper() -> None:
    # Loops over beads in NumPy. For each degree, the addition theorem turns spherical harmonics into Legendre
    # polynomials of the angle at the centre: sum_m Y_lm(a) Y_lm(b) = (2l+1) P_l(a.b), and the tensor product into a
    # scalar divides by sqrt(2l+1).
    s = AllegroSettings(n_radial_basis=4, embed_n_hidden=(8,), species_embed=4, mlp_n_hidden=16)
    net, frame, n = Allegro(s, 5.0, CUTOFF, N_SPECIES, free, None), random_frame(0, 10), 10
    params = net.init(jax.random.key(0), np.float64)
    p = jax.tree.map(np.asarray, params)

    def silu(z: np.ndarray) -> np.ndarray:
        return 1.6791767 * z / (1 + np.exp(-z))

    def mlp(weights: list[np.ndarray], z: np.ndarray) -> np.ndarray:
        for matrix in weights[:-1]:
            z = silu(z @ matrix)
        return z @ weights[-1]

    r = np.linalg.norm(frame.R[None] - frame.R[:, None], axis=-1)
    neighbours = [[j for j in range(n) if j != i and r[i, j] < CUTOFF] for i in range(n)]
    assert min(map(len, neighbours)) < max(map(len, neighbours)) < n - 1
    x, u = {}, {}
    for i in range(n):
        for j in neighbours[i]:
            d, k = r[i, j] / CUTOFF, s.envelope_p
            u[i, j] = 1 - (k + 1) * (k + 2) / 2 * d**k + k * (k + 2) * d ** (k + 1) - k * (k + 1) / 2 * d ** (k + 2)
            basis = u[i, j] * np.sqrt(2) * np.sin(np.arange(1, s.n_radial_basis + 1) * np.pi * d) / d
            both = [*p["species"][frame.species[i]], *p["species"][frame.species[j]]]
            x[i, j] = u[i, j] * mlp(p["two_body"], np.array([*both, *basis]))
    layer, degrees, energy = p["layers"][0], np.arange(s.max_ell + 1), 0.0
    for i, j in x:
        scalars = np.zeros((s.channels, s.max_ell + 1))
        for k in neighbours[i]:
            cosine = (frame.R[j] - frame.R[i]) @ (frame.R[k] - frame.R[i]) / (r[i, j] * r[i, k])
            P = np.array([legendre.legval(cosine, np.eye(s.max_ell + 1)[degree]) for degree in degrees])
            weight = np.einsum("x,xcl->cl", x[i, k], layer["environment"]) / np.sqrt(5.0)
            scalars += np.einsum("x,xcl->cl", x[i, j], p["features"]) * weight * np.sqrt(2 * degrees + 1) * P
        update = u[i, j] * mlp(layer["latent"], np.array([*x[i, j], *scalars.ravel()]))
        energy += (x[i, j] + ALPHA * update) / np.sqrt(1 + ALPHA**2) @ p["readout"] / np.sqrt(5.0)
    assert evaluate(net, params, frame)[0] == pytest.approx(energy, rel=1e-12)
