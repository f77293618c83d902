"""The force-matching loss, against NumPy and against the recorded reference."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import ALL_ON, declared, force_matching_loss, frames, np_loss, prior
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.data import Batch
from cgcore.fitting import loss as loss_module
from cgcore.physics.prior import Params, Prior, Weights
from cgcore.solver.lbfgs import Limits, minimise

pytestmark = pytest.mark.numerical

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "chignolin_reference.json").read_text())
WEIGHTS = Weights(**RECORDED["weights"])

_value_and_grad = jax.jit(jax.value_and_grad(loss_module.force_matching_loss, argnums=1), static_argnums=0)


def value_and_grad(weights: Weights, params: Params, *arrays: Any) -> tuple[jax.Array, Params]:
    """The loss and its gradient with respect to the parameters, compiled."""
    return _value_and_grad(declared(weights, params), params, *arrays)


@pytest.fixture(scope="module")
def given_prior() -> Prior:
    return prior(np.random.default_rng(0))


@pytest.fixture(scope="module")
def real(chignolin: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bundled frames in float64."""
    return chignolin.R.astype(np.float64), chignolin.F.astype(np.float64), chignolin.mask.astype(bool)


def recorded(which: str) -> Params:
    return Prior(WEIGHTS, RECORDED[which]).params


@pytest.mark.slow
@given(
    lengths=st.lists(st.integers(0, 8), min_size=5, max_size=5),
    fill=st.sampled_from([0.0, np.nan, np.inf, 1e300, 3.0]),
    seed=st.integers(0, 5),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_equals_numpy_whatever_padding_holds(lengths: list[int], fill: float, seed: int) -> None:
    p = prior(np.random.default_rng(0))
    data = frames(np.random.default_rng(seed), lengths, 8, fill)
    value, gradient = value_and_grad(p.weights, p.params, *data[:3])
    np.testing.assert_allclose(value, np_loss(p.weights, p.params, data), rtol=1e-12)
    clean, clean_gradient = value_and_grad(p.weights, p.params, *frames(np.random.default_rng(seed), lengths, 8)[:3])
    assert value == clean
    for name, g in gradient.items():
        assert np.isfinite(g).all(), name
        np.testing.assert_array_equal(g, clean_gradient[name], err_msg=name)


@pytest.mark.slow
def test_is_per_real_bead(given_prior: Prior) -> None:
    # With zero energy the loss is the mean squared length of the reference forces.
    nothing = jax.tree.map(np.zeros_like, given_prior.params) | {"sigma": np.float64(3.0)}
    data = frames(np.random.default_rng(0), [8, 3, 0, 2, 7], 8)
    F = np.where(data.mask[..., None], [3.0, 0.0, 4.0], 99.0)
    assert float(force_matching_loss(ALL_ON, nothing, data.R, F, data.mask)) == pytest.approx(25, rel=1e-14)
    # Without real beads: 0, not 0/0.
    assert float(force_matching_loss(ALL_ON, nothing, data.R, F, np.zeros((5, 8)))) == 0


def test_a_frame_of_padding_adds_nothing(given_prior: Prior) -> None:
    more = frames(np.random.default_rng(0), [8, 5, 0, 0, 0], 8, np.nan)
    alone = np_loss(ALL_ON, given_prior.params, frames(np.random.default_rng(0), [8, 5], 8))
    np.testing.assert_allclose(value_and_grad(ALL_ON, given_prior.params, *more[:3])[0], alone, rtol=1e-12)


@pytest.mark.slow
def test_the_mask_may_be_numbers(given_prior: Prior) -> None:
    data = frames(np.random.default_rng(0), [8, 5, 3, 7, 8], 8)
    values = [
        force_matching_loss(ALL_ON, given_prior.params, data.R, data.F, data.mask.astype(kind)) for kind in ("?", "f4")
    ]
    assert values[0] == values[1]


def test_gradient_against_central_differences(given_prior: Prior) -> None:
    data = frames(np.random.default_rng(3), [8, 6, 4, 2, 0], 8)
    p = given_prior.params
    _, gradient = value_and_grad(ALL_ON, p, *data[:3])
    for name, value in p.items():
        for i in np.ndindex(value.shape):
            h = 1e-5 * np.where(np.indices(value.shape).sum(axis=0) == sum(i), 1.0, 0.0)
            up, down = (np_loss(ALL_ON, p | {name: value + sign * h}, data) for sign in (1, -1))
            np.testing.assert_allclose(gradient[name][i], (up - down) / 2e-5, rtol=1e-6, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_overlapping_beads_give_a_loss_that_is_not_finite(given_prior: Prior) -> None:
    data = frames(np.random.default_rng(0), [8, 8, 8, 8, 8], 8)
    data.R[1, 7] = data.R[1, 1]
    off = ALL_ON._replace(excluded_volume=None)
    assert not np.isfinite(force_matching_loss(off, given_prior.params, *data[:3]))
    data.R[1, 7] = data.R[1, 6] + 3.0
    data.R[1, 4] = data.R[1, 2]
    assert not np.isfinite(force_matching_loss(ALL_ON, given_prior.params, *data[:3]))
    assert np.isfinite(force_matching_loss(off, given_prior.params, *data[:3]))


@pytest.mark.slow
def test_float32(given_prior: Prior) -> None:
    data = frames(np.random.default_rng(0), [8, 5, 3, 7, 8], 8)
    R, F = data.R.astype(np.float32), data.F.astype(np.float32)
    p = jax.tree.map(np.float32, given_prior.params)
    value = force_matching_loss(ALL_ON, p, R, F, data.mask)
    _, gradient = jax.eval_shape(partial(value_and_grad, ALL_ON), p, R, F, data.mask)
    assert value.dtype == np.float32
    assert all(g.dtype == np.float32 for g in gradient.values())
    assert float(value) == pytest.approx(np_loss(ALL_ON, given_prior.params, data), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("params", "expected"), [("initial_params", "initial_loss"), ("fitted_params", "final_loss")])
def test_recorded_losses(params: str, expected: str, real: tuple[np.ndarray, ...]) -> None:
    value = float(force_matching_loss(WEIGHTS, recorded(params), *real))
    assert value == pytest.approx(RECORDED["independent_float64"][expected], rel=1e-10)


@pytest.mark.slow
def test_recorded_loss_of_no_prior(real: tuple[np.ndarray, ...]) -> None:
    nothing = jax.tree.map(lambda x: 0 * x, recorded("initial_params")) | {"sigma": np.asarray(3.0)}
    value = float(force_matching_loss(WEIGHTS, nothing, *real))
    assert value == pytest.approx(RECORDED["independent_float64"]["zero_prior_loss"], rel=1e-10)


def test_nothing_broadcasts_between_ranks(given_prior: Prior) -> None:
    data = frames(np.random.default_rng(0), [8, 5], 8)
    with jax.numpy_rank_promotion("raise"):
        shapes = jax.eval_shape(
            jax.value_and_grad(partial(loss_module.force_matching_loss, given_prior)), given_prior.params, *data[:3]
        )
    assert shapes[0].shape == ()


def plain_loss(params: Params, R: jax.Array, F: jax.Array, mask: jax.Array) -> jax.Array:
    return loss_module.force_matching_loss(Prior(WEIGHTS, RECORDED["initial_params"]), params, R, F, mask)


@pytest.mark.slow
def test_first_ten_recorded_losses(real: tuple[np.ndarray, ...]) -> None:
    solution = minimise(plain_loss, recorded("initial_params"), *real, limits=Limits(max_steps=10))
    # The recorded losses were stored as float32.
    np.testing.assert_allclose(solution.loss_history, RECORDED["loss_history"], rtol=1e-6)
    params = jax.tree.map(jnp.asarray, solution.params)
    assert float(force_matching_loss(WEIGHTS, params, *real)) == pytest.approx(solution.loss, rel=1e-12)
