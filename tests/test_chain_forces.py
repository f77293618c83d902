"""Analytic forces of many chains against the gradient of the energy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ALL_ON, chain, np_forces, prior, relative

from cgcore.physics.bases import BSpline
from cgcore.physics.coefficients import Layout, to_coefficients
from cgcore.simulation.chain_forces import chain_forces
from cgcore.simulation.summed import Lookup


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
def test_terms_without_harmonics() -> None:
    rng = np.random.default_rng(0)
    given, R = prior(rng, 0, 0), chain(rng, 8)
    layout, c = Layout.of(given), to_coefficients(given.params)
    F = jax.jit(lambda x: chain_forces(layout, jnp.asarray(c), x))(R.T[..., None])
    assert relative(F[..., 0].T, np_forces(given.weights, given.params, R[None])[0]) < 1e-10


@pytest.mark.parametrize("ends", ["open", "cutoff", "periodic"])
@pytest.mark.parametrize("degree", [2, 3, 5])
@pytest.mark.parametrize("spaced", ["even", "uneven"])
def test_one_polynomial_in_each_interval_is_the_sum_of_the_splines(ends: Any, degree: int, spaced: str) -> None:
    rng = np.random.default_rng(degree)
    widths = np.full(9, 0.7) if spaced == "even" else rng.uniform(0.3, 1.1, 9)
    basis = BSpline(tuple(2.0 + np.cumsum(widths)), degree, ends)
    c = rng.normal(size=(3, basis.size))
    first, last = basis.knots[0], basis.knots[-1]
    # Outside the knots, at them, and between them.
    x = np.concatenate([rng.uniform(first - 1, last + 1, 200), basis.knots, [first - 1e-9, last + 1e-9]])
    group = rng.integers(0, 3, len(x))
    found = Lookup(basis, c)
    for got, each in (
        (found.energy(jnp.asarray(x), group), basis.functions(x)),
        (found.slope((jnp.asarray(x),), group), basis.derivatives(x)),
    ):
        expected = np.einsum("xk,kx->x", c[group], each)
        # The same polynomials, with terms summed in another order.
        assert np.max(np.abs(np.asarray(got) - expected)) <= 1e-12 * np.max(np.abs(expected))


@pytest.mark.slow
def test_pairs_that_do_not_count_have_no_strength() -> None:
    basis = BSpline((3.0, 4.0, 5.5, 7.0), 3, "cutoff")
    found = Lookup(basis, np.ones((1, basis.size)))
    squared = jnp.asarray([np.inf, 50.0, 49.0, 25.0, 4.0])
    got, expected = found.strength(squared, 0), np.sum(np.asarray(basis.strengths(squared)), axis=0)
    assert got[:3].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(got, expected, rtol=1e-12)  # as above
    # Coincident beads are not hidden.
    assert not np.isfinite(found.strength(jnp.zeros(1), 0))
