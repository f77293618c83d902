"""Analytic forces of many chains against the gradient of the energy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ALL_ON, chain, np_forces, prior, relative

from cgcore.physics.chain_forces import chain_forces
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.physics.energy import forces
from cgcore.physics.space import Periodic


@pytest.mark.slow
@pytest.mark.parametrize(("beads", "close"), [(2, True), (3, False), (4, True), (8, False), (24, True)])
def test_forces_are_minus_the_gradient(beads: int, close: bool) -> None:
    rng = np.random.default_rng(beads)
    given = prior(rng, 3, 2, ALL_ON if close else ALL_ON._replace(excluded_volume=None))
    R = np.array([chain(rng, beads) for _ in range(3)])
    layout, c = Layout.of(given), to_coefficients(given.params)
    F = jax.jit(lambda x: chain_forces(layout, jnp.asarray(c), x))(np.transpose(R, (2, 1, 0)))
    assert relative(np.transpose(F, (2, 1, 0)), np_forces(given.weights, given.params, R)) < 1e-10


@pytest.mark.slow
def test_terms_without_harmonics_and_a_box() -> None:
    rng = np.random.default_rng(0)
    given, box = prior(rng, 0, 0), Periodic((30.0, 31.0, 32.0))
    R = chain(rng, 8) + np.array([14.0, -15.0, 16.0])
    layout, c = Layout.of(given), to_coefficients(given.params)
    F = jax.jit(lambda x: chain_forces(layout, jnp.asarray(c), x, box))(R.T[..., None])
    expected = jax.jit(
        lambda x: forces(given, jax.tree.map(jnp.asarray, given.params), x, jnp.ones(8, bool), None, box)
    )(R)
    assert relative(F[..., 0].T, expected) < 1e-10
