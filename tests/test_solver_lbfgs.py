"""The L-BFGS loop: minima, ways to end, and cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from cgcore.errors import InputError
from cgcore.solver.lbfgs import Limits, Solution, _advance, _start, minimise
from cgcore.solver.status import Status

pytestmark = pytest.mark.numerical

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(8, 5)), 3 * RNG.normal(size=8)
LEAST_SQUARES = np.linalg.lstsq(A, B)[0]


def residual(x: Any, A: Any, b: Any) -> Any:
    return jnp.sum((A @ x - b) ** 2)


def quadratic(x: Any, H: Any, centre: Any) -> Any:
    return (x - centre) @ (H @ (x - centre)) / 2 + 1


def rosenbrock(x: Any) -> Any:
    return jnp.sum((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2)


def fit(limits: Limits = Limits(), start: Any = None, **more: Any) -> Solution:
    """The least-squares problem of this file."""
    return minimise(residual, np.zeros(5) if start is None else start, A, B, limits=limits, **more)


def ending(solution: Solution) -> tuple[Any, ...]:
    """Everything in the solution except the parameters."""
    return tuple(getattr(solution, field.name) for field in fields(solution) if field.name != "params")


def programmes() -> tuple[int, int]:
    """Numbers of programs that the two compiled functions hold, which JAX's type hints do not declare."""
    start, advance = (getattr(f, "_cache_size") for f in (_start, _advance))  # noqa: B009
    return start(), advance()


def never_increases(history: list[float], rounding: float = 8 * 2.0**-52) -> bool:
    h = np.array(history)
    return bool((np.diff(h) <= rounding * np.abs(h[:-1])).all())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "start", "args"),
    [(residual, np.zeros(5), (A, B)), (rosenbrock, np.array([-1.2, 1.0, 0.5]), ())],
)
def test_agrees_with_scipy(loss: Callable[..., Any], start: np.ndarray, args: tuple[Any, ...]) -> None:
    value_and_grad = jax.jit(jax.value_and_grad(loss))
    theirs = minimize(
        lambda x: tuple(map(np.asarray, value_and_grad(x, *args))),
        start, jac=True, method="L-BFGS-B", options={"maxcor": 10, "ftol": 0, "gtol": 1e-9},
    )  # fmt: skip
    ours = minimise(loss, start, *args, limits=Limits(tol_grad=1e-8))
    assert ours.status.converged
    np.testing.assert_allclose(ours.params, theirs.x, atol=1e-7)
    assert ours.loss == pytest.approx(theirs.fun, rel=1e-13, abs=1e-15)
    value, grad = value_and_grad(ours.params, *args)
    assert ours.loss == pytest.approx(float(value), rel=1e-13)
    assert ours.grad_norm == pytest.approx(float(np.linalg.norm(grad)), rel=1e-6, abs=1e-12)


@pytest.mark.slow
@given(
    exponents=st.lists(st.floats(0, 4), min_size=5, max_size=5),
    scale=st.floats(-2, 2),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_convex_quadratics(exponents: list[float], scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    H = (Q * 10.0 ** (np.array(exponents) + scale)) @ Q.T
    centre = rng.normal(size=5)
    solution = minimise(quadratic, np.zeros(5), H, centre, limits=Limits(max_steps=1000))
    assert solution.status.converged, solution.status
    assert solution.loss - 1 <= 1e-8
    assert never_increases(solution.loss_history)


@pytest.mark.slow
def test_a_pytree_of_several_leaves_and_shapes() -> None:
    def loss(p: dict[str, Any], target: dict[str, Any]) -> Any:
        parts = jax.tree.map(lambda x, y: jnp.sum((x - y) ** 2 * (1 + y**2)), p, target)
        return sum(jax.tree.leaves(parts))

    target = {"a": RNG.normal(size=3), "b": [np.float64(2.0), RNG.normal(size=(2, 2))], "none": np.zeros(0)}
    solution = minimise(loss, jax.tree.map(np.zeros_like, target), target)
    assert solution.status is Status.GRADIENT
    assert jax.tree.structure(solution.params) == jax.tree.structure(target)
    for got, expected in zip(jax.tree.leaves(solution.params), jax.tree.leaves(target), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("min_steps", [0, 10])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_at_the_start(bad: float, min_steps: int) -> None:
    # Without confirmation, since a false convergence would otherwise be continued without end.
    solution = minimise(times, np.ones(2), bad, limits=Limits(min_steps=min_steps), confirm=False)
    assert solution.status is Status.NON_FINITE
    assert not solution.status.converged
    assert (solution.steps, solution.evaluations, solution.loss_history) == (0, 1, [])
    np.testing.assert_array_equal(solution.params, np.ones(2))


def times(x: Any, factor: Any) -> Any:
    return factor * jnp.sum(x)


@jax.custom_vjp
def wrong_sign(x: Any) -> Any:
    return jnp.sum(x**2)


wrong_sign.defvjp(lambda x: (wrong_sign(x), x), lambda x, g: (-2 * g * x,))

UNBOUNDED: dict[str, Callable[..., Any]] = {
    "linear": lambda x: jnp.sum(x),
    "-x^2": lambda x: -jnp.sum(x**2),
    "-x^4": lambda x: -jnp.sum(x**4),
    "-exp(x^2)": lambda x: -jnp.sum(jnp.exp(x**2)),
    "log": lambda x: jnp.sum(jnp.log(x)),
}
OBJECTIVES = UNBOUNDED | {
    "wrong sign": wrong_sign,
    "kink": lambda x: jnp.sum(jnp.abs(x)),
    "root": lambda x: jnp.sum(jnp.sqrt(x)),
    "barrier": lambda x: jnp.sum(20 * x - jnp.log(x)),
}


def switched(x: Any, which: Any) -> Any:
    """One of the objectives, which share one compilation."""
    return jax.lax.switch(which, list(OBJECTIVES.values()), x)


def solve(name: str, start: list[float], limits: Limits = Limits()) -> Solution:
    return minimise(switched, np.array(start), list(OBJECTIVES).index(name), limits=limits)


@pytest.mark.slow
@pytest.mark.parametrize("name", UNBOUNDED)
def test_unbounded_objectives_never_converge(name: str) -> None:
    solution = solve(name, [1.0, 1.0])
    assert not solution.status.converged, solution.status
    assert len(solution.loss_history) == solution.steps
    assert np.isfinite(solution.loss)


@pytest.mark.parametrize("name", UNBOUNDED)
def test_no_step_goes_uphill(name: str) -> None:
    solution = solve(name, [1.0, 1.0])
    assert never_increases([*solution.loss_history, solution.loss])


@pytest.mark.parametrize("min_steps", [0, 10])
def test_a_wrong_gradient_is_a_failed_line_search(min_steps: int) -> None:
    solution = solve("wrong sign", [1.0, 1.0], Limits(min_steps=min_steps))
    assert solution.status is Status.LINE_SEARCH_FAILED
    assert solution.steps == max(min_steps, 1)
    np.testing.assert_array_equal(solution.params, np.ones(2))
    assert solution.loss == 2


def test_a_kink_is_no_convergence() -> None:
    assert solve("kink", [0.3, 0.7]).status is Status.LINE_SEARCH_FAILED


def test_a_finite_loss_with_an_infinite_gradient() -> None:
    solution = solve("root", [0.0, 0.0])
    assert (solution.status, solution.steps, solution.loss) == (Status.NON_FINITE, 0, 0.0)


def test_a_line_search_that_leaves_the_domain_comes_back() -> None:
    # At the first trial point the argument of the logarithm is negative; the resulting NaN must not end the fit.
    start, loss = jnp.array([5.0, 3.0]), OBJECTIVES["barrier"]
    assert np.isnan(loss(start - jax.grad(loss)(start)))
    solution = solve("barrier", [5.0, 3.0])
    assert solution.status is Status.GRADIENT
    np.testing.assert_allclose(solution.params, [0.05, 0.05], rtol=1e-7)


def test_a_refused_step_empties_the_memory() -> None:
    """On a hill every remembered pair points uphill: the next step is refused, and the steepest-descent step after
    it descends."""
    width = 1e7
    solution = minimise(
        lambda x: 1e9 * jnp.sum(1 + jnp.cos(x / width)), np.array([0.1, 0.05]) * width,
        limits=Limits(max_steps=12), confirm=False,
    )  # fmt: skip
    losses = np.array([*solution.loss_history, solution.loss])
    refused = np.flatnonzero(np.diff(losses) == 0)
    assert refused.tolist() == [1, 3, 5, 7, 9, 11]
    assert (np.diff(losses)[::2] < 0).all()


def test_min_steps_on_a_converged_start() -> None:
    for steps in (1, 10):
        solution = fit(Limits(min_steps=steps), LEAST_SQUARES)
        assert solution.status.converged
        assert solution.steps == len(solution.loss_history) == steps
        np.testing.assert_allclose(solution.params, LEAST_SQUARES, rtol=1e-12)
        assert never_increases([*solution.loss_history, solution.loss])


def test_no_min_steps_on_a_converged_start() -> None:
    solution = fit(Limits(min_steps=0), LEAST_SQUARES)
    assert solution.status is Status.GRADIENT
    # One for value and gradient, and one Hessian product for each parameter.
    assert (solution.steps, solution.evaluations, solution.loss_history) == (0, 1 + 5, [])
    np.testing.assert_array_equal(solution.params, LEAST_SQUARES)


@pytest.mark.slow
def test_max_steps() -> None:
    solution = fit(Limits(max_steps=3, min_steps=1))
    assert solution.status is Status.MAX_STEPS
    assert solution.steps == len(solution.loss_history) == 3
    # max_steps takes precedence over min_steps.
    assert ending(fit(Limits(max_steps=3, min_steps=10))) == ending(solution)


@pytest.mark.slow
def test_no_steps_at_all() -> None:
    solution = fit(Limits(max_steps=0, min_steps=0))
    assert solution.status is Status.MAX_STEPS
    assert (solution.steps, solution.evaluations, solution.loss_history) == (0, 1, [])
    assert solution.loss == pytest.approx(B @ B)


@pytest.mark.slow
def test_gradient_is_tested_on_the_new_point() -> None:
    # From here one step of steepest descent with unit length is exact, and one evaluation finds it.
    solution = minimise(lambda x: jnp.sum(x**2) / 2, np.array([0.6, 0.8]), limits=Limits(min_steps=0))
    assert solution.status is Status.GRADIENT
    assert (solution.steps, solution.evaluations, solution.grad_norm) == (1, 2 + 2, 0.0)


@pytest.mark.slow
def test_a_tolerance_of_zero_ends_at_the_precision_floor() -> None:
    solution = fit(Limits(tol_grad=0.0))
    assert solution.status is Status.PRECISION_FLOOR
    assert solution.steps < 100
    assert solution.loss == pytest.approx(np.sum((A @ LEAST_SQUARES - B) ** 2), rel=1e-13)
    # Also if the gradient is exactly 0 and cannot be below 0.
    exact = minimise(lambda x: jnp.sum(x**2) + 7, np.zeros(2), limits=Limits(tol_grad=0.0, min_steps=0))
    assert exact.status is Status.PRECISION_FLOOR
    assert (exact.grad_norm, exact.loss) == (0.0, 7.0)


@pytest.mark.slow
@pytest.mark.parametrize("x64", [True, False])
def test_float32_ends_at_its_precision_floor(x64: bool) -> None:
    start, args = np.zeros(5, np.float32), (A.astype(np.float32), B.astype(np.float32))
    with jax.enable_x64(x64):
        solution = minimise(residual, start, *args, limits=Limits(tol_grad=1e-9), precision="float32")
    assert solution.status is Status.PRECISION_FLOOR
    assert solution.params.dtype == np.float32
    assert solution.steps < 100
    assert solution.loss == pytest.approx(np.sum((A @ LEAST_SQUARES - B) ** 2), rel=1e-6)
    np.testing.assert_allclose(solution.params, LEAST_SQUARES, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("given", [np.float32, np.float64, np.int32, list, jnp.asarray])
def test_the_precision_is_what_was_asked_for_in_every_session(precision: Any, x64: bool, given: Any) -> None:
    """float64 by default, for any start and in any session: 0 and [0, 0] are numbers."""
    with jax.enable_x64(x64):
        start = {"x": [0] * 5 if given is list else given([0] * 5), "shift": 0}
        start["x"] = np.asarray(start["x"]) if given is list else start["x"]
        solution = minimise(shifted, start, A, B, **({} if precision == "float64" else {"precision": precision}))
        assert jnp.zeros(()).dtype == (np.float64 if x64 else np.float32)
    assert {name: (type(v), v.dtype, v.shape) for name, v in solution.params.items()} == {
        "x": (np.ndarray, precision, (5,)),
        "shift": (np.ndarray, precision, ()),
    }
    assert solution.dtype == precision
    assert precision in repr(solution)
    if precision == "float64":
        assert solution.loss == pytest.approx(np.sum((A @ LEAST_SQUARES - B) ** 2), rel=1e-12)


def shifted(p: Any, A: Any, b: Any) -> Any:
    return residual(p["x"] + p["shift"], A, b)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"a": 1 + 2j}, "start of a minimisation holds complex128"),
        (np.array([True]), "holds bool"),
        ("text", "holds <U4"),
        ({"a": None}, "holds no numbers"),
        ([], "holds no numbers"),
    ],
)
def test_a_start_without_real_numbers_is_refused(start: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        minimise(lambda x: jnp.sum(x**2), start)


def test_a_loss_that_is_no_real_number_is_refused() -> None:
    for loss, words in ((lambda x: x, r"float64 of shape \(2,\)"), (lambda x: jnp.argmax(x), r"int64 of shape \(\)")):
        with pytest.raises(InputError, match=f"single real number, but it is {words}"):
            minimise(loss, np.zeros(2))


def test_a_minimisation_is_no_part_of_a_transformation() -> None:
    for inside in (
        jax.jit(lambda x: minimise(lambda y: jnp.sum((y - x) ** 2), np.zeros(2)).loss),
        jax.jit(lambda x: minimise(lambda y: jnp.sum(y**2), x).loss),
        jax.grad(lambda x: minimise(lambda y: jnp.sum(y**2), x).loss),
    ):
        with pytest.raises(InputError, match="outside"):
            inside(1.0)


def test_solutions_compare_and_print() -> None:
    solution = fit()
    assert solution == solution
    assert solution != fit()
    assert len(repr(solution)) < 200


def test_history_is_the_loss_before_each_step() -> None:
    whole = fit()
    assert whole.status is Status.GRADIENT
    assert len(whole.loss_history) == whole.steps
    assert whole.loss_history[0] == pytest.approx(B @ B, rel=1e-14)  # a sum of eight squares
    assert never_increases([*whole.loss_history, whole.loss])
    part = fit(Limits(max_steps=3))
    assert part.loss_history == whole.loss_history[:3]
    assert part.loss == whole.loss_history[3]


@pytest.mark.slow
def test_every_evaluation_is_counted_and_none_is_wasted() -> None:
    calls: list[int] = []

    def counted(x: Any) -> Any:
        jax.debug.callback(lambda: calls.append(1))
        return rosenbrock(x)

    solution = minimise(counted, np.array([-1.2, 1.0, 0.5]))
    jax.effects_barrier()
    assert solution.status is Status.GRADIENT
    assert solution.evaluations == len(calls)
    # One for the start, then at least one for each step: an accepted point is not evaluated again.
    assert solution.steps + 1 <= solution.evaluations < 2 * solution.steps


def test_one_trace_for_any_data_limits_and_chunks() -> None:
    traces: list[int] = []

    def traced(x: Any, A: Any, b: Any) -> Any:
        traces.append(1)
        return residual(x, A, b)

    compiled = programmes()
    first = minimise(traced, np.zeros(5), A, B)
    seen = len(traces)
    # Other data of the same shape and other limits use the same program.
    other = minimise(traced, np.zeros(5), A[::-1] * 2, B, limits=Limits(200, 3, 1e-4))
    chunked = minimise(traced, np.zeros(5), A, B, progress=lambda step, loss: None, chunk=2)
    assert len(traces) == seen
    assert programmes() == (compiled[0] + 1, compiled[1] + 1)
    np.testing.assert_allclose(other.params, np.linalg.lstsq(A[::-1] * 2, B)[0], atol=1e-4)
    np.testing.assert_allclose(first.params, LEAST_SQUARES, atol=1e-6)
    np.testing.assert_array_equal(chunked.params, first.params)


@pytest.mark.parametrize("chunk", [1, 4, 1000])
def test_chunks_change_nothing(chunk: int) -> None:
    seen: list[tuple[int, float]] = []
    whole = fit()
    parts = fit(progress=lambda step, loss: seen.append((step, loss)), chunk=chunk)
    np.testing.assert_array_equal(parts.params, whole.params)
    assert ending(parts) == ending(whole)
    losses = [*whole.loss_history, whole.loss]
    assert seen == [(step, losses[step]) for step, _ in seen]
    assert [step for step, _ in seen] == [*range(chunk, whole.steps, chunk), whole.steps]
