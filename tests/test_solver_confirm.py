"""Confirmation of minima: what the Hessian must show before a small gradient counts, and what it must not refuse."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cgcore
from cgcore.solver.confirm import confirmation
from cgcore.solver.lbfgs import MOST_CONFIRMED, Limits, minimise
from cgcore.solver.status import Status

pytestmark = pytest.mark.numerical


def judged(loss: Any, x: Any, start: Any = None, initial: float = 1.0) -> tuple[bool, float]:
    """Whether the curvature at x is upward, and the excess, for a run from `start` (default x)."""
    x = jnp.asarray(x)
    value, grad = jax.value_and_grad(loss)(x)
    found = confirmation(loss, x, value, grad, x if start is None else jnp.asarray(start), jnp.asarray(initial))
    return found.upward, found.excess


def bowl(x: Any) -> Any:
    """1 + (s x)^2 / 2 with scales over eight orders of magnitude."""
    return 1 + jnp.sum((x * jnp.array([1e-4, 1.0, 1e4])) ** 2) / 2


def test_the_decrement_is_what_is_left_to_gain_in_any_scale() -> None:
    # At 1e-3 in scaled units each of three variables has 5e-7 to gain; 1e-6 of the loss is allowed.
    upward, excess = judged(bowl, [1e-3 * 1e4, 1e-3, 1e-3 * 1e-4])
    assert upward
    assert excess == pytest.approx(1.5, rel=1e-5)


@pytest.mark.slow
def test_a_small_gradient_in_badly_scaled_variables_is_not_enough() -> None:
    start = np.array([3e-3, 0.0, 0.0]) * 1e4  # the gradient is 3e-7, but 4.5e-6 can still be gained
    alone = minimise(bowl, start, limits=Limits(min_steps=0), confirm=False)
    assert (alone.status, alone.steps) == (Status.GRADIENT, 0)
    confirmed = minimise(bowl, start, limits=Limits(min_steps=0))
    assert confirmed.status.converged
    assert confirmed.loss - 1 <= 1e-6
    assert confirmed.steps > 0


def plateau(x: Any) -> Any:
    """A function that is 0 at 0, and far away flat, close to 1, and with negative curvature."""
    return 1 - jnp.exp(-jnp.sum(x**2))


@pytest.mark.slow
def test_a_plateau_is_no_minimum() -> None:
    start = np.array([4.5, 0.0])
    assert minimise(plateau, start, limits=Limits(min_steps=0), confirm=False).status is Status.GRADIENT
    solution = minimise(plateau, start, limits=Limits(min_steps=0))
    assert solution.loss < 1e-12 or not solution.status.converged


@pytest.mark.slow
def test_a_saddle_is_called_one() -> None:
    solution = minimise(lambda x: 1 + x[0] ** 2 - x[1] ** 2, np.zeros(2), limits=Limits(min_steps=0))
    assert solution.status is Status.SADDLE
    assert not solution.status.converged


def saturated(x: Any) -> Any:
    """A rational function of two coefficients, fitted to values that it cannot describe; for large coefficients only
    their ratio matters."""
    t = jnp.array([1.0, 2.0, 3.0])
    return 1 + jnp.sum((jnp.array([1.0, 2.0, 1.0]) - x[0] / (1 + x[1] * t)) ** 2)


@pytest.mark.parametrize("far", [1e6, 1e9, 1e12])
def test_coefficients_that_ran_off_are_at_no_minimum(far: float) -> None:
    # The best ratio, sum(y/t) / sum(1/t²), for which the gradient vanishes up to rounding.
    ratio = (1 + 2 / 2 + 1 / 3) / (1 + 1 / 4 + 1 / 9)
    x = [ratio * far, far]
    assert jnp.linalg.norm(jax.grad(saturated)(jnp.asarray(x))) < 1e-6
    assert not judged(saturated, x, start=[1.0, 1.0])[0]


def redundant(x: Any) -> Any:
    """As for epsilon*sigma^4: all parameters with product 1 are minima, so one direction is flat."""
    return 7 + (x[0] * x[1] ** 4 - 1) ** 2 + (x[2] - 2) ** 2 + 0 * x[3]


@pytest.mark.slow
@pytest.mark.parametrize("start", [[1.0, 1.1, 0.0, 0.0], [0.3, 0.8, 5.0, 1.0], [2.0, 1.5, 1.0, -1.0]])
def test_redundant_and_unused_parameters_are_no_obstacle(start: list[float]) -> None:
    solution = minimise(redundant, np.array(start))
    assert solution.status.converged, solution.status
    assert solution.loss == pytest.approx(7, rel=1e-12)


def test_nothing_is_confirmed_where_the_hessian_is_not_finite() -> None:
    assert not judged(lambda x: jnp.sum(jnp.abs(x) ** 1.5), [0.0, 0.0])[0]


@pytest.mark.slow
def test_too_many_parameters_to_confirm_are_refused_by_name() -> None:
    start = np.zeros(MOST_CONFIRMED + 1)
    with pytest.raises(cgcore.InputError, match=r"confirm=False"):
        minimise(lambda x: jnp.sum((x - 1) ** 2), start)
    assert minimise(lambda x: jnp.sum((x - 1) ** 2), start, confirm=False).status.converged
