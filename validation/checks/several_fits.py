"""What a fit does with several pair potentials, constraints, runs of blocks, folds or groups, of which none is special:
small invented cases and their results in NumPy, or as literals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

import cgcore
from cgcore import bases
from cgcore.constants import BOLTZMANN
from cgcore.factor.block import Block
from cgcore.factor.histogram import Histograms
from cgcore.fitting.admissible import Admissible, smoothest
from cgcore.fitting.blocking import blocking
from cgcore.fitting.constraints import Constraint, constraints
from cgcore.fitting.contacts import covers
from cgcore.fitting.folds import fold_numbers, time_folds
from validation.check import Row, at_most, check, equal, says
from validation.checks.fit_sentences import TEMPERATURE, factor_of
from validation.context import Context
from validation.explicit import Array
from validation.tolerances import relative

EXACT = 1e-12
"""Tolerance of the same small sums in another order."""

TYPES = cgcore.Groups("types", ("x", "y"), (0, 1))
BINS = 400
"""Number of bins of the distance of closest pairs, each 0.05 Å wide."""


@check("several-fits", quick=True)
def several_fits(context: Context) -> Iterator[Row]:
    """Several pair potentials, constraints, runs of blocks and folds of one fit, of which none is special."""
    yield from _covered()
    yield from _contacts()
    yield from _signs()
    yield from _smoothest()
    yield from _runs()
    yield from _strata()
    yield from _folds()


def _covered() -> Iterator[Row]:
    """Whether pairs from three beads apart on include all listed pairs, and not only the first, the last or any."""
    cases = {
        ((0, 5), (1, 6)): True,
        ((0, 5), (0, 2)): False,
        ((0, 2), (0, 5)): False,
        ((0, 5), (0, 2), (1, 6)): False,
    }
    found = [covers(cgcore.Rows("pairs", 3), cgcore.Rows("pairs", listed=pairs)) for pairs in cases]
    yield equal("listed pairs that another potential covers", str(found), str([*cases.values()]))


def _contacts() -> Iterator[Row]:
    """The distances of contacts of potentials that act on the same pairs, and the part of two that are not fitted."""
    near, far = cgcore.Rows("pairs", 3), cgcore.Rows("pairs", 5)
    terms = (
        cgcore.Term("a", near, bases.Power(4)),
        cgcore.Term("b", near, bases.Power(6), 1.0, TYPES),
        cgcore.Term("c", near, bases.Power(8), 1.0, TYPES),
        cgcore.Term("d", far, bases.Power(9)),
    )
    closest = {"a": [4.0], "b": [5.0, 3.5, 4.0], "c": [4.5, 3.0, 4.25], "d": [5.5]}
    counts = {name: np.array([_closest(x) for x in each]) for name, each in closest.items()}
    made = constraints("safe", factor_of(terms, groups=counts), TEMPERATURE)
    said = [f"{one.name} {one.text.partition(' Å')[0].split()[-1]}" for one in made]
    kinds = ("x-x", "x-y", "y-y")
    known = [
        f"contact of a + contact of b[{kind}] + contact of c[{kind}]{other} {distance}"
        for other, distances in (("", ("5.00", "4.00", "4.25")), (" + contact of d", ("5.50",) * 3))
        for kind, distance in zip(kinds, distances, strict=True)
    ]
    yield equal("contacts of four potentials", "; ".join(said), "; ".join(known))

    held = {4: 60.0, 6: 900.0}
    fixed = tuple((cgcore.Term(f"f{n}", near, bases.Power(n), 0.5), np.array([c])) for n, c in held.items())
    own = factor_of(terms[:1], groups={"a": counts["a"]})
    (made,) = constraints("safe", own, TEMPERATURE, fixed)
    kT, x = BOLTZMANN * TEMPERATURE, 4.0 + 0.05 * 0.01
    r = x - np.linspace(0, 1, 21)
    energy = sum(0.5 * c * x**-n for n, c in held.items())
    slope = sum(-0.5 * c * n * r ** (-n - 1) for n, c in held.items())
    expected = [kT - energy, *(8 * kT / 0.5 * np.minimum((x - r) / 0.5, 1) + slope)]
    yield at_most("contact with two potentials that are not fitted", relative(made.bounds, expected), 1e-9, "relative")


def _closest(distance: float) -> Array:
    """Counts of one distance, which is the lower edge of its bin [Å]."""
    return np.bincount([round(distance / 0.05)], minlength=BINS)


def _limit(name: str, rows: ArrayLike, bounds: Sequence[float]) -> Constraint:
    return Constraint(name, name, np.array(rows, float), np.array(bounds, float))


def _signs() -> Iterator[Row]:
    """Coefficients of the wrong sign by rounding, in each row of each constraint with a bound of 0, become 0."""
    one = np.eye(6)
    limits = (
        _limit("first", one[:1], [0]),
        _limit("second", [-one[1], one[2], one[1] + one[4]], [0, 0, 0]),
        _limit("third", one[3:4], [-1]),
        _limit("last", one[5:], [0]),
    )
    c = np.array([-1e-18, 1e-18, -1e-18, -1e-18, -1e-18, -1e-18])
    found = Admissible(limits, one, np.zeros(6))._signed(c)
    yield equal("coefficients of the wrong sign", str(found.tolist()), str([0.0, 0.0, 0.0, -1e-18, -1e-18, 0.0]))


def _smoothest() -> Iterator[Row]:
    """The smoothest coefficients for constraints of two rows, one of which involves a coefficient without a shape."""
    bending = np.array([[1.0, 0, 0], [0, 2, 0]])
    limits = (
        _limit("left out", [[3, 0, 0], [0, 0, 1]], [9, -1]),
        _limit("two", [[1, 0, 0], [1, 1, 0]], [0, 2]),
    )
    # The least c0² + 4 c1² with c0 + c1 = 2.
    found = relative(smoothest(limits, bending), [1.6, 0.4, 0])
    yield at_most("smoothest coefficients", found, EXACT, "relative")
    against = (_limit("at least 1", [[1, 0, 0]], [1]), _limit("below 0", [[-1, 0, 0]], [0]))
    yield says("contradictory constraints", lambda: smoothest(against, bending), "(at least 1; below 0)")


def _block(source: str, protein: str, index: int, frames: int = 1, weight: float = 1.0, seed: int = 0) -> Block:
    """A block of frames of ten beads."""
    S = np.triu(np.random.default_rng(seed).normal(size=(3, 3)))
    ranges = np.array([[index * frames, (index + 1) * frames]])
    return Block(S, 10 * frames, frames, source, protein, index, "", ranges, weight)


RUNS = (("s", "p"), ("t", "p"), ("t", "q"))
"""Source and protein of three runs of blocks: neighbours in this list have one of them in common."""


def _runs() -> Iterator[Row]:
    """Pools of one and of two blocks within runs of eight: their error, and the correlation of neighbours."""
    blocks = [_block(*run, k) for run in RUNS for k in range(8)]
    scores = np.random.default_rng(5).normal(size=(len(RUNS), 8, 3)) + np.linspace(0, 2, 8)[:, None]
    found = blocking(blocks, scores.reshape(-1, 3), np.full(len(blocks), 1 / len(blocks)))
    assert found is not None
    for level, pooled in zip(found.levels, (1, 2), strict=False):
        sums = scores.reshape(len(RUNS), -1, pooled, 3).sum(2)
        own = np.concatenate([each - each.mean((0, 1)) for each in (sums[:2], sums[2:])])
        sizes = np.array([2.0, 2.0, 1.0])[:, None] * own.shape[1]
        squares = np.sum(own**2, axis=2)
        error = np.sqrt(np.sum(squares * sizes / (sizes - 1)))
        next_to = np.sum(own[:, 1:] * own[:, :-1], axis=2).mean()
        correlation = next_to / squares.mean() + np.mean(np.broadcast_to(1 / (sizes - 1), squares.shape))
        off = relative([level.error, level.correlation], [error, correlation])
        yield at_most(f"error and correlation of pools of {pooled}", off, EXACT, "relative")
    yield equal("levels of pools", len(found.levels) >= 2, True)


def _strata() -> Iterator[Row]:
    """Strata are proteins only if each has four pools; within each stratum, the mean weight of resamples is 1."""
    for few, strata in (((0,), 1), ((1,), 1), ((), 2)):
        counts = [3 if k in few else 8 for k in range(2)]
        blocks = [_block("s", f"{k}", j) for k, count in enumerate(counts) for j in range(count)]
        scores = np.random.default_rng(6).normal(size=(len(blocks), 4))
        found = blocking(blocks, scores, np.full(len(blocks), 1 / len(blocks)))
        assert found is not None
        yield equal(f"strata with {counts} blocks", len(set(found.strata.tolist())), strata)
        drawn = found.weights(3, np.random.default_rng(0))
        if strata == 2:
            varied = [bool(np.ptp(drawn[:, own]) > 0) for own in (slice(0, 8), slice(8, 16))]
            means = [float(np.round(drawn[:, own].mean(), 9)) for own in (slice(0, 8), slice(8, 16))]
            yield equal("weights of both proteins vary, around 1", str((varied, means)), "([True, True], [1.0, 1.0])")


def _folds() -> Iterator[Row]:
    """Folds of runs of different lengths in any order, and the weights of their beads."""
    counts = dict(zip(RUNS, (20, 5, 12), strict=True))
    each = [(run, k) for run, count in counts.items() for k in range(count)]
    each = [each[k] for k in np.random.default_rng(0).permutation(len(each))]
    blocks = [_block(run[0], run[1], k, seed=n, weight=1.0 + n) for n, (run, k) in enumerate(each)]
    known = [k * min(10, counts[run]) // counts[run] for run, k in each]
    yield equal("folds in time", str(fold_numbers(blocks)), str(known))
    term = cgcore.Term("bond", cgcore.Rows("bonds"), bases.Harmonic())
    factor = cgcore.Factor(tuple(blocks), cgcore.Fingerprint((term,)), Histograms.empty())
    weights = [sum(block.weight for block, k in zip(blocks, known, strict=True) if k == fold) for fold in range(10)]
    yield equal("weights of folds", str(sorted(fold.beads for fold in time_folds(factor))), str(sorted(weights)))
