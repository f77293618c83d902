"""Faults of a line in cgcore, each with the check that must see it: claims and numbers of a fit, ways to a factor."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest
from fault_helpers import Fault, edited

import cgcore
from cgcore.factor import compress, factor, gram
from cgcore.fitting import admissible, fit
from cgcore.solver import lbfgs
from validation.check import all_checks
from validation.context import Context, distinct, four_terms
from validation.runner import run

# Scripts, problems and engines of others.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("code_of_others")]

FAULTS: dict[str, tuple[str, Fault]] = {
    # What the solver claims.
    "memory kept after a refused step": (
        "claims", edited(lbfgs, "_step", "past=quasi_newton.init(state.params), fresh", "fresh"),
    ),
    "NaN is small": (
        "claims", edited(lbfgs, "_status", "Status.NON_FINITE", "Status.GRADIENT"),
    ),
    "a failed line search is rounding": (
        "claims", edited(lbfgs, "_step", "Status.PRECISION_FLOOR, Status.LINE_SEARCH_FAILED", "2, 2"),
    ),
    "rounding is a failed line search": (
        "claims", edited(lbfgs, "_step", "Status.PRECISION_FLOOR, Status.LINE_SEARCH_FAILED", "3, 3"),
    ),
    "a saddle is a minimum": ("claims", edited(lbfgs, "_confirmed", "bool(upward) and float(excess) <= 1", "True")),
    "history of the loss after each step": (
        "certificate", edited(lbfgs, "_step", "history=state.history.at[state.step].set(state.value)",
                              "history=state.history.at[state.step].set(new.value)"),
    ),
    # What the certificate says.
    "no optimality gap": (
        "certificate", edited(fit, "certify", "optimality_gap=(reached - bound)", "optimality_gap=0 * (bound)"),
    ),
    "everything explained": (
        "certificate", edited(fit, "certify", "1.0 if explainable <= rounding else (initial - loss)",
                              "1.0 if explainable <= rounding else explainable"),
    ),
    "no loss without prior": ("certificate", edited(fit, "certify", "zero_prior_loss=zero", "zero_prior_loss=0.0")),
    "initial loss is the final one": (
        "certificate", edited(fit, "certify", "initial_loss=initial", "initial_loss=loss"),
    ),
    "bound without constraints": (
        "certificate", edited(fit, "certify", "minimum if admitted is None else minimum + admitted.bound", "minimum"),
    ),
    "nothing is violated": ("certificate", edited(admissible.Admissible, "violation", "missing = h - G @ c", "missing = 0 * h")),
    "KKT residual of 0": ("certificate", edited(fit, "certify", "admitted.residual", "0.0")),
    "KKT residual without gradient": (
        "certificate", edited(admissible, "_optimality", "np.linalg.norm(gradient) / (", "0 / ("),
    ),
    "prices of 0": ("certificate", edited(admissible.Admissible, "_reports", "if total > 0:", "if total < 0:")),
    "multipliers halved": ("certificate", edited(admissible.Admissible, "_reports", "float(multipliers", "0.5 * float(multipliers")),
    "all constraints active": (
        "certificate", edited(admissible.Admissible, "_reports", "constraint.text, total > 0", "constraint.text, True"),
    ),
    "initial held-out loss of the training data": (
        "certificate", edited(fit, "fit", "held_out.loss(origin)", "factor.loss(origin)"),
    ),
    "held-out loss of the training data": ("certificate", edited(fit, "fit", "held_out.loss(canonical)", "factor.loss(canonical)")),
    "never suboptimal": ("certificate", edited(fit, "_judged", "exact and result.converged", "False and result.converged")),
    # The ways to a factor.
    "a batch that replaces those before": (
        "batches", edited(compress, "compress", "merged([sums[segment], part]) if basis is None", "part if basis is None"),
    ),
    "taken for a Gram matrix after going back": (
        "batches", edited(compress, "compress", "basis = None  # the sample missed what the data hold", "pass"),
    ),
    "a product without its twin": ("batches", edited(gram, "_products", "angles + angles.T", "2 * angles")),
    "merged without the last": ("batches", edited(factor, "merge", "for factor in factors for block", "for factor in factors[:1] for block")),
    "any fingerprint will do": ("batches", edited(cgcore.Fingerprint, "require", "if differing:", "if False:")),
    "bins off by one": ("batches", edited(gram, "bin_numbers", "first + xp.clip", "first + 1 + xp.clip")),
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing that was compiled before a fault may hide it, and nothing faulty may outlive the test."""
    jax.clear_caches()
    yield
    jax.clear_caches()


def red(name: str) -> list[str]:
    """Names of the rows of a check that fail; what only breaks does not count."""
    context = Context(cgcore.datasets.chignolin(), distinct(four_terms(cgcore.default_prior())), quick=True)
    checks = {check.name: check for check in all_checks()}
    return [row.name for row in run([checks[name]], context) if row.passed is False and row.relation != "raised"]


@pytest.mark.parametrize("name", sorted({name for name, _ in FAULTS.values()}))
def test_without_a_fault_they_are_green(name: str) -> None:
    assert red(name) == []


@pytest.mark.parametrize(("name", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_line_turns_its_check_red(monkeypatch: pytest.MonkeyPatch, name: str, fault: Fault) -> None:
    fault(monkeypatch)
    assert red(name)
