"""Check 6: the solver alone, on problems with published minima, beside scipy's L-BFGS-B.

A solver may fail on a hard problem, but it must not report convergence where there is no minimum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, partial
from typing import Any

import jax
import numpy as np
from scipy.optimize import minimize

import cgcore
from validation.check import Row, at_least, at_most, check, shown
from validation.context import Context
from validation.problems import Problem, mgh, nist
from validation.statuses import converged

DIGITS = 4.0
"""Number of matching digits of the loss for which a problem counts as solved."""

ZERO = 1e-20
"""Fraction of the initial loss below which a published minimum counts as zero: float64 residuals hold no digit of
it."""

LIMITS = cgcore.Limits(max_steps=5000)
"""tol_grad and min_steps are those of a fit; the number of steps is large enough not to matter."""

MEMORY = 10
"""Number of steps remembered by both solvers."""

QUICK = (
    "Misra1a",
    "Eckerle4",
    "BoxBOD",
    "3 Powell badly scaled",
    "8 Bard",
    "13 Powell singular",
)
"""Problems of both families, with both statuses of convergence, plateaus, a singular Hessian and bad scaling."""


class Verdict(Enum):
    """Classification of an end point."""

    SOLVED = "solved"
    LOCAL = "another minimum"
    FALSE = "false converged"
    HONEST = "not converged, and said so"


@dataclass(frozen=True)
class Case:
    """A problem and one of its starts, counted from 1."""

    family: str
    problem: Problem
    start: int

    @property
    def name(self) -> str:
        return self.problem.name if len(self.problem.starts) == 1 else f"{self.problem.name}, start {self.start}"

    @property
    def x0(self) -> np.ndarray:
        return self.problem.starts[self.start - 1]

    @cached_property
    def initial(self) -> float:
        """The loss at the start."""
        return float(jax.jit(self.problem.loss)(self.x0))

    def digits(self, loss: float) -> float:
        """Matching digits of the loss. If the minimum is zero, they are those of the norm of the residuals."""
        if not np.isfinite(loss):
            return -np.inf
        least = self.problem.optimum
        if least <= ZERO * self.initial:
            return -0.5 * _log10(max(loss, 0.0) / self.initial)
        return _matching(loss, least)

    def another(self, loss: float) -> bool:
        """Whether this is the loss of another published minimum."""
        return any(_matching(loss, other) >= DIGITS for other in self.problem.others)


@dataclass(frozen=True)
class Outcome:
    """The end of both solvers on one case."""

    case: Case
    verdict: Verdict
    status: cgcore.Status
    digits: float
    steps: int
    evaluations: int
    gradient: float
    scipy_digits: float

    def __str__(self) -> str:
        return (
            f"{self.case.name}: {self.verdict.value}, {self.status.name}, {self.digits:.1f} digits, "
            f"{self.steps} steps (scipy {self.scipy_digits:.1f})"
        )


def cases(*, quick: bool = False) -> list[Case]:
    """Every problem from every start."""
    names = QUICK if quick else None
    families = {"NIST StRD": nist(names), "More-Garbow-Hillstrom": mgh(names)}
    return [
        Case(family, problem, k + 1)
        for family, problems in families.items()
        for problem in problems
        for k in range(len(problem.starts))
    ]


Minimise = Callable[..., cgcore.Solution]


def solve(case: Case, minimise: Minimise = cgcore.minimise) -> Outcome:
    """Both solvers on one case, in float64."""
    loss = case.problem.loss
    found = minimise(loss, case.x0, limits=LIMITS, memory=MEMORY)
    digits = case.digits(found.loss)
    if digits >= DIGITS:
        verdict = Verdict.SOLVED
    elif not converged(found):
        verdict = Verdict.HONEST
    elif case.another(found.loss) or is_minimum(case.problem, np.asarray(found.params)):
        verdict = Verdict.LOCAL
    else:
        verdict = Verdict.FALSE
    theirs = case.digits(by_scipy(case))
    return Outcome(case, verdict, found.status, digits, found.steps, found.evaluations, found.grad_norm, theirs)


def by_scipy(case: Case) -> float:
    """The final loss of scipy's L-BFGS-B, with the same memory and gradient tolerance, and no loss tolerance."""
    slope = jax.jit(jax.value_and_grad(case.problem.loss))

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = slope(x)
        return float(value), np.asarray(gradient)

    options = {
        "maxcor": MEMORY,
        "gtol": LIMITS.tol_grad,
        "ftol": 0.0,
        "maxiter": LIMITS.max_steps,
        "maxfun": 20 * LIMITS.max_steps,
    }
    with np.errstate(all="ignore"):
        return float(minimize(loss, case.x0, jac=True, method="L-BFGS-B", options=options).fun)


def is_minimum(problem: Problem, x: np.ndarray) -> bool:
    """Whether x is certainly at a local minimum, to four digits of the loss.

    In variables scaled to a unit diagonal, the Hessian must be positive definite beyond its rounding. The Newton
    decrement g' H^-1 g / 2, the remaining gain according to a quadratic model, must be below 1e-4 of the loss.
    """
    value, gradient, hessian = map(np.asarray, _derivatives(problem.loss, x))
    diagonal = np.diag(hessian)
    if not (np.all(np.isfinite(hessian)) and np.all(diagonal > 0)):
        return False
    scale = 1 / np.sqrt(diagonal)
    curvature, axes = np.linalg.eigh(hessian * np.outer(scale, scale))
    if curvature[0] <= len(x) * np.finfo(float).eps * curvature[-1]:
        return False
    decrement = 0.5 * np.sum((axes.T @ (scale * gradient)) ** 2 / curvature)
    return bool(decrement <= 10**-DIGITS * value)


@partial(jax.jit, static_argnums=0)
def _derivatives(loss: Callable[..., Any], x: Any) -> tuple[Any, Any, Any]:
    return loss(x), jax.grad(loss)(x), jax.hessian(loss)(x)


def _log10(x: float) -> float:
    return float(np.log10(max(x, np.finfo(float).tiny)))


def _matching(loss: float, published: float) -> float:
    """Log relative error, as NIST reports it."""
    return -_log10(abs(loss - published) / published)


def solve_all(every: list[Case], minimise: Minimise = cgcore.minimise) -> list[Outcome]:
    """All cases, two at a time: most of the time is spent compiling, which does not hold Python's lock."""

    def one(case: Case) -> Outcome:
        # float64 is a setting of the thread.
        with jax.enable_x64(True):
            return solve(case, minimise)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, every))


def summarise(outcomes: Iterable[Outcome]) -> Iterator[Row]:
    """Counts for each family, and the names of false convergences."""
    families: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        families.setdefault(outcome.case.family, []).append(outcome)
    for family, ended in families.items():
        counts = Counter(o.verdict for o in ended)
        theirs = sum(o.scipy_digits >= DIGITS for o in ended)
        unit = f"of {len(ended)}"
        yield at_most(f"{family}, false converged", counts[Verdict.FALSE], 0, unit)
        yield at_least(f"{family}, solved, against scipy", counts[Verdict.SOLVED], theirs, unit)
        yield shown(f"{family}, {Verdict.LOCAL.value}", counts[Verdict.LOCAL], unit)
        yield shown(f"{family}, {Verdict.HONEST.value}", counts[Verdict.HONEST], unit)
        for outcome in ended:
            if outcome.verdict is Verdict.FALSE:
                yield shown(f"{family}, false", str(outcome))


@check("solver alone", quick=True, needs=("scipy", "sif2jax"))
def solver_alone(context: Context) -> Iterator[Row]:
    """The solver on NIST StRD and More-Garbow-Hillstrom problems: solved, and never falsely converged."""
    yield from summarise(solve_all(cases(quick=context.quick)))
