"""The problems agree with their publications, and false claims of a solver are detected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from scipy.optimize import minimize

import cgcore
from validation.checks import solver_alone as alone
from validation.problems import Problem, mgh, nist

# Runs scripts, problems and engines of other projects.
pytestmark = pytest.mark.usefixtures("code_of_others")

Case = alone.Case


def loss(problem: Problem, x: Any) -> float:
    """The loss, compiled as a whole instead of operation by operation."""
    return float(jax.jit(problem.loss)(x))


def test_every_data_set_and_problem_is_there() -> None:
    assert len(nist()) == 27
    assert all(len(problem.starts) == 2 for problem in nist())
    assert {int(problem.name.split()[0]) for problem in mgh()} == set(range(1, 36))


@pytest.mark.parametrize("problem", nist(), ids=lambda problem: problem.name)
def test_nist_model_data_and_certificate_agree(problem: Problem) -> None:
    # The residual norm of Lanczos1 is below the rounding of the certified parameters, which have 11 digits.
    tolerance = 1e-20 if problem.name == "Lanczos1" else 0.0
    assert loss(problem, problem.solution) == pytest.approx(problem.optimum, rel=1e-9, abs=tolerance)


@pytest.mark.parametrize("problem", [p for p in mgh() if p.solution is not None], ids=lambda problem: problem.name)
def test_exact_solutions(problem: Problem) -> None:
    assert loss(problem, problem.solution) == pytest.approx(problem.optimum, rel=1e-12, abs=1e-25)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["8 Bard", "9 Gaussian", "20 Watson 6", "23 penalty I 4", "35 Chebyquad 8"])
def test_published_minima_are_what_newton_finds(name: str) -> None:
    """The papers state six digits."""
    (problem,) = mgh((name,))
    slope, curvature = jax.jit(jax.value_and_grad(problem.loss)), jax.jit(jax.hessian(problem.loss))
    found = minimize(
        lambda x: tuple(np.asarray(each, float) for each in slope(x)),
        problem.starts[0],
        jac=True,
        hess=lambda x: np.asarray(curvature(x)),
        method="trust-exact",
        options={"gtol": 1e-13, "maxiter": 2000},
    )
    assert found.fun == pytest.approx(problem.optimum, rel=5e-6)


def test_the_problems_shared_by_both_families_agree() -> None:
    """More, Garbow and Hillstrom's problems 10, 15 and 17 are NIST's MGH10, MGH09 and MGH17."""
    for theirs, ours in (("MGH10", "10 Meyer"), ("MGH09", "15 Kowalik-Osborne"), ("MGH17", "17 Osborne 1")):
        certified, problem = nist((theirs,))[0], mgh((ours,))[0]
        assert loss(problem, certified.solution) == pytest.approx(certified.optimum, rel=1e-9)
        assert problem.optimum == pytest.approx(certified.optimum, rel=5e-6)
        np.testing.assert_array_equal(certified.starts[1], problem.starts[0])


def _ends_at(x: Any, status: cgcore.Status) -> Callable[..., cgcore.Solution]:
    def minimise(loss: Callable[..., Any], x0: np.ndarray, **_: Any) -> cgcore.Solution:
        at = np.asarray(x0 if x is None else x, float)
        return cgcore.Solution(at, float(loss(at)), 0.0, 1, 1, [], status)

    return minimise


@pytest.mark.slow
@pytest.mark.parametrize(
    ("x", "status", "verdict"),
    [
        (None, cgcore.Status.GRADIENT, alone.Verdict.FALSE),
        (None, cgcore.Status.PRECISION_FLOOR, alone.Verdict.FALSE),
        (None, cgcore.Status.MAX_STEPS, alone.Verdict.HONEST),
        ([5.0, 4.0], cgcore.Status.MAX_STEPS, alone.Verdict.SOLVED),
        ([11.4127789, -0.8968053], cgcore.Status.GRADIENT, alone.Verdict.LOCAL),
    ],
)
def test_verdicts(
    monkeypatch: pytest.MonkeyPatch, x: list[float] | None, status: cgcore.Status, verdict: alone.Verdict
) -> None:
    """Freudenstein and Roth's problem, whose minima are 0 at (5, 4) and 48.98 at (11.41, -0.90)."""
    monkeypatch.setattr(alone, "by_scipy", lambda case: 0.0)
    case = Case("mgh", mgh(("2 Freudenstein-Roth",))[0], 1)
    outcome = alone.solve(case, _ends_at(x, status))
    assert outcome.verdict is verdict
    rows = {row.name: row.passed for row in alone.summarise([outcome])}
    assert rows["mgh, false converged"] is (verdict is not alone.Verdict.FALSE)


def test_certificate_of_a_local_minimum() -> None:
    (problem,) = mgh(("2 Freudenstein-Roth",))
    assert alone.is_minimum(problem, np.array([11.4127789, -0.8968053]))
    assert not alone.is_minimum(problem, np.array([11.0, -0.9]))


def test_a_saddle_is_no_minimum() -> None:
    problem = Problem("saddle", lambda x: 1 + x[0] ** 2 - x[1] ** 2, (np.zeros(2),), 0.0)
    assert not alone.is_minimum(problem, np.zeros(2))


def test_digits() -> None:
    problem = Problem("any", lambda x: x[0] ** 2, (np.array([2.0]),), 1.0)
    assert Case("f", problem, 1).digits(1.0001) == pytest.approx(4)
    assert Case("f", problem, 1).digits(float("nan")) == -np.inf
    zero = Problem("zero", lambda x: x[0] ** 2, (np.array([2.0]),), 0.0)
    assert Case("f", zero, 1).digits(4e-8) == pytest.approx(4)


@pytest.mark.slow
def test_solves_an_easy_one_as_well_as_scipy() -> None:
    outcome = alone.solve(Case("NIST StRD", nist(("Misra1a",))[0], 2))
    assert outcome.verdict is alone.Verdict.SOLVED
    assert outcome.scipy_digits >= alone.DIGITS
