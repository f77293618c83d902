"""Coefficients, and the conversion back to parameters in one gauge."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ALL_ON, frames, np_forces, np_matrix, prior, relative
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.fitting import loss
from cgcore.fitting.problem import as_params
from cgcore.physics import energy
from cgcore.physics.coefficients import Layout, to_coefficients, to_params
from cgcore.physics.prior import Prior, Weights

pytestmark = pytest.mark.numerical

FOUR = Weights(0.5, 0.25, 0.25, 1.0)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    """Often exactly zero, but never so small that products underflow."""
    return st.just(0.0) | st.floats(low, high).map(lambda x: x if abs(x) > 1e-6 else 0.0)


@st.composite
def params(draw: st.DrawFn) -> dict[str, Any]:
    def series(n: int, low: float, high: float) -> np.ndarray:
        return np.array([draw(number(low, high)) for _ in range(n)])

    n, k = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    values: dict[str, Any] = {
        "r0": draw(number(1, 6)),
        "kr": draw(number(-300, 300)),
        "a": series(n, -5, 5),
        "b": series(n, -5, 5),
        "epsilon": draw(number(-3, 3)),
        "sigma": draw(number(-6, 6)),
        "k_dih": series(k, -5, 5),
        "gamma_dih": np.array([draw(st.sampled_from([-np.pi, np.pi, 0.0]) | number(-40, 40)) for _ in range(k)]),
    }
    if draw(st.booleans()):
        values |= {"epsilon_ex": draw(number(-3, 3)), "sigma_ex": draw(number(-6, 6))}
    return {name: np.asarray(v, float) for name, v in values.items()}


@pytest.mark.slow
@given(p=params())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_round_trip_in_the_canonical_gauge(p: dict[str, Any]) -> None:
    c = to_coefficients(p)
    q = to_params(c, p)
    np.testing.assert_allclose(to_coefficients(q), c, rtol=1e-13, atol=1e-13 * np.max(np.abs(c), initial=1.0))
    assert list(q) == list(p)
    assert {n: v.shape for n, v in q.items()} == {n: v.shape for n, v in p.items()}
    assert (q["k_dih"] >= 0).all()
    moving = q["k_dih"] > 0
    assert ((q["gamma_dih"] > -np.pi) & (q["gamma_dih"] <= np.pi))[moving].all()
    for sigma in ("sigma", "sigma_ex"):
        assert sigma not in p or q[sigma] == p[sigma]
    # Parameters that c does not determine stay.
    assert p["kr"] != 0 or q["r0"] == p["r0"]
    assert p["sigma"] != 0 or q["epsilon"] == p["epsilon"]
    np.testing.assert_array_equal(q["gamma_dih"][~moving], p["gamma_dih"][~moving])
    # Repeating the conversion changes nothing.
    again = to_params(to_coefficients(q), q)
    for name, value in q.items():
        np.testing.assert_allclose(again[name], value, rtol=1e-12, atol=1e-12)


def test_by_hand() -> None:
    p = Prior(
        ALL_ON,
        {
            "r0": 4, "kr": 100, "a": [1, 2], "b": [3, 4], "epsilon": 2, "sigma": 3,
            "k_dih": [-5], "gamma_dih": [0], "epsilon_ex": 3, "sigma_ex": 2,
        },
    )  # fmt: skip
    c = to_coefficients(p.params)
    np.testing.assert_allclose(c, [100, 400, 1, 2, 3, 4, -5, 0, 162, 48], atol=1e-15)
    q = to_params(c, p.params)
    assert (q["k_dih"].tolist(), q["gamma_dih"].tolist()) == ([5], [np.pi])
    layout = Layout.of(p)
    assert layout == Layout.of(prior(np.random.default_rng(0), 2, 1, ALL_ON))
    assert layout.names == (
        "kr", "kr*r0", "a_1", "a_2", "b_1", "b_2", "k_1 cos(gamma_1)", "k_1 sin(gamma_1)",
        "epsilon*sigma^4", "epsilon_ex*sigma_ex^4",
    )  # fmt: skip


def test_phase_minus_pi_becomes_pi() -> None:
    p = prior(np.random.default_rng(0), 0, 1, FOUR).params
    c = to_coefficients(p | {"k_dih": np.array([2.0]), "gamma_dih": np.array([0.0])})
    c[2:4] = -2.0, -0.0
    assert to_params(c, p)["gamma_dih"] == [np.pi]


@pytest.mark.parametrize("weights", [FOUR, ALL_ON])
@pytest.mark.parametrize(("n", "k"), [(0, 0), (0, 2), (3, 0), (10, 2)])
def test_layout_matches_the_coefficients(weights: Weights, n: int, k: int) -> None:
    p = prior(np.random.default_rng(0), n, k, weights)
    layout = Layout.of(p)
    assert layout.size == len(layout.names) == len(to_coefficients(p.params))
    every = np.arange(layout.size)
    np.testing.assert_array_equal(np.concatenate([every[s] for s in layout.slices.values()]), every)
    assert ("excluded_volume" in layout.slices) == (weights is ALL_ON)
    assert hash(layout) == hash(Layout.of(p))


def test_jax_gives_what_numpy_gives_in_either_precision() -> None:
    p = prior(np.random.default_rng(0)).params
    # XLA's and NumPy's cosines differ in the last place.
    np.testing.assert_allclose(jax.jit(lambda p: to_coefficients(p, jnp))(p), to_coefficients(p), rtol=1e-13)
    small = jax.tree.map(np.float32, p)
    assert to_coefficients(small).dtype == np.float32
    assert to_coefficients(jax.tree.map(jnp.asarray, small), jnp).dtype == np.float32
    assert all(v.dtype == np.float64 for v in to_params(to_coefficients(small), small).values())


@pytest.mark.slow
@pytest.mark.parametrize("weights", [FOUR, ALL_ON])
def test_coefficients_as_parameters_give_the_same_forces(weights: Weights) -> None:
    rng = np.random.default_rng(3)
    p, data = prior(rng, 3, 2, weights), frames(rng, [8], 8)
    bare = p.in_coefficients()
    assert bare.names == tuple(term.name for term in p.terms)
    assert to_coefficients(bare.params, terms=bare.terms).tolist() == [0.0] * p.size
    got = energy.forces(bare, as_params(bare, jnp.asarray(to_coefficients(p.params))), data.R[0], data.mask[0])
    assert relative(got, np_forces(weights, p.params, data.R[0])) < 1e-12


@pytest.mark.slow
def test_their_gradient_is_that_of_the_quadratic_also_at_no_amplitude_and_no_stiffness() -> None:
    rng = np.random.default_rng(4)
    p, data = prior(rng, 2, 2), frames(rng, [8, 8], 8)
    c, bare = to_coefficients(p.params | {"k_dih": np.zeros(2), "kr": np.array(0.0)}), p.in_coefficients()

    @jax.jit
    def gradient(c: jax.Array) -> jax.Array:
        return jax.grad(lambda c: loss.force_matching_loss(bare, as_params(bare, c), *data[:3]))(c)

    X = np_matrix(p.weights, Layout.of(p), data.R).reshape(-1, len(c))
    expected = 2 * X.T @ (X @ c - data.F.ravel()) / 16
    np.testing.assert_allclose(gradient(c), expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())
    assert np.abs(expected[6:10]).min() > 1e-3
