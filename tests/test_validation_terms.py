"""The check of terms of any kind: it passes on small frames of noise, and detects every fault in cgcore."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from factor_helpers import random_chains
from fault_helpers import Fault, edited, forgotten, quick_context, refuted

from cgcore.data import batches
from cgcore.factor import gram, preconditioning
from cgcore.fitting import fit
from cgcore.physics import design, groups, pair_forces
from cgcore.physics.bases import BSpline, Fourier, Harmonic
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term
from validation.check import all_checks
from validation.checks.terms import frames, judged
from validation.compiling import unoptimised
from validation.runner import run
from validation.term_problems import problems

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("code_of_others")]

FEW, MANY, SHARED = 1, 2, 3
"""Positions of the quick check's problems."""

FAULTS: dict[str, tuple[int, Fault]] = {
    "the wrong group for a pair": (
        MANY,
        edited(pair_forces, "_by_partner", "jnp.asarray(table)[slot]", "jnp.asarray(table)[slot[::-1]]"),
    ),
    "groups in another order": (
        FEW,
        edited(
            groups, "_numbered", "numbers.setdefault(kind, len(numbers))", "numbers.setdefault(kind, len(numbers)) ^ 1"
        ),
    ),
    "rows of classes without group take part": (
        FEW,
        edited(Term, "row_groups", "xp.where(known, ", "xp.where(True, "),
    ),
    "only the first bead has a class": (FEW, edited(groups.Groups, "positions", "range(beads))", "[0] * beads)")),
    "ends of the row for ends of the chain": (
        FEW,
        edited(groups.Groups, "classes", "first | xp.roll(ends, 1), last | ends", "first, last"),
    ),
    "the last interval dropped": (
        FEW,
        edited(BSpline, "_runs", "most = np.max(", "most = -1 + np.max("),
    ),
    "a spline that is not closed": (
        FEW,
        edited(BSpline, "pieces", "every[:p] += every[len", "every[:p] += 0 * every[len"),
    ),
    "a spline with another function left out": (
        FEW,
        edited(BSpline, "pieces", "else every[1:]", "else every[:-1]"),
    ),
    "sign of a slope": (MANY, edited(Fourier, "slopes", "[-n * sines[n]", "[n * sines[n]")),
    "sign of the parabola's slope": (FEW, edited(Harmonic, "derivatives", "-1.0", "1.0")),
    "weight of a pair left out": (FEW, edited(design, "slots_of", "term.weight * found", "found")),
    "pairs of all separations": (FEW, edited(Rows, "count", "apart >= self.nearest", "apart >= 1")),
    "pairs of one chain for those of two": (
        FEW,
        edited(Rows, "count", 'crossing if self.chains == "between" else ~crossing', "~crossing"),
    ),
    "listed rows without their last bead": (
        FEW,
        edited(design, "_listed", "enumerate(kind.gradients)", "enumerate(kind.gradients[:-1])"),
    ),
    "all beads of one species": (
        FEW,
        edited(batches.Cut, "species", "else species[0]", "else 0 * species[0]"),
    ),
    "pairs across a gap that are nearer in the row": (
        FEW,
        edited(pair_forces, "_of_few_separations", " is None else 1, min(", " is None else nearest, min("),
    ),
    "columns in another order": (
        SHARED,
        edited(gram, "_products", "order = _order(layout)", "order = np.arange(len(_order(layout)))"),
    ),
    "groups whitened as one": (
        MANY,
        edited(
            preconditioning.Preconditioner,
            "undone",
            ".reshape(len(S), len(term.group_labels), len(T)) @ T)",
            ".reshape(len(S), len(T), -1).swapaxes(1, 2) @ T).swapaxes(1, 2)",
        ),
    ),
    "coefficients without data move": (MANY, edited(fit, "spectrum", "silent)] = 0.0", "silent)] += 1e-3")),
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield from forgotten()


def seen(number: int) -> bool:
    """Whether a row of a problem in the quick check fails; an exception is raised here."""
    with unoptimised():
        return any(map(refuted, judged(problems(frames(quick_context()))[number])))


def test_without_a_fault_it_is_green() -> None:
    (check,) = (check for check in all_checks() if check.name == "terms")
    rows = run([check], quick_context())
    assert len(rows) == 30
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize(("number", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_fault_turns_it_red(monkeypatch: pytest.MonkeyPatch, number: int, fault: Fault) -> None:
    fault(monkeypatch)
    assert seen(number)  # by a comparison: an exception ends this test


@pytest.mark.parametrize("number", range(5))
def test_noise_on_random_chains(number: int) -> None:
    """Forces that no prior explains, chains of two lengths, padding."""
    chains = random_chains(24, [16, 11], 18, seed=8)
    problem = problems(chains.dataset())[number]
    wrong = [row for row in judged(problem) if row.passed is False and "condition" not in row.name]
    assert not [row for row in wrong if "coefficients" not in row.name or np.isnan(float(row.value))], wrong
