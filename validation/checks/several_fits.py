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
from cgcore.fitting.errors_of_parameters import errors_of_parameters
from cgcore.fitting.folds import fold_numbers, time_folds
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.quadratics import Quadratics
from validation.check import Row, at_most, check, equal, says
from validation.checks.fit_sentences import TEMPERATURE, factor_of
from validation.context import Context, with_harmonics
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
    yield from _errors()


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


def _errors() -> Iterator[Row]:
    """Errors of the parameters of five terms, from resampled coefficients: the smaller of two amplitudes may be 0, so
    that its phase is not known; the data do not determine the phase of the other."""
    base = with_harmonics(cgcore.default_prior(), 1, 2)
    given = {"kr": 150.0, "r0": 3.8, "a": [2.0], "b": [-1.0], "k_dih": [0.5, 0.1], "gamma_dih": [0.3, -1.2]}
    prior = cgcore.Prior(base.weights, dict(base.params) | {name: np.array(value) for name, value in given.items()})
    centre = _coefficients_of(given)
    noise = np.array([2.0, 8, 0.2, 0.3, 0.03, 0.08, 0.03, 0.08, 4, 9])
    resampled = centre + noise * np.random.default_rng(0).normal(size=(40, len(centre)))
    one, none = np.eye(len(centre)), np.zeros((len(centre), 0))
    known = one.copy()
    known[6, 6] = 0.0  # the sine of the first dihedral
    around = Quadratics(
        (),
        np.ones(1),
        known[None],
        np.zeros((1, len(centre))),
        none.T,
        np.zeros(0),
        none.T,
        np.zeros(0),
        one,
        none,
        centre,
    )
    found = errors_of_parameters(Freedom.of(prior), around, resampled, 1.5, 2.0, 0.95)
    fitted, moved = _parameters_of(centre), _parameters_of(resampled)
    yield equal("parameters with errors", str(sorted(found)), str(sorted(fitted)))
    for name, value in fitted.items():
        difference = (moved[name] - value + np.pi) % (2 * np.pi) - np.pi if name == "gamma_dih" else moved[name] - value
        error = np.sqrt(1.5 * np.mean(difference**2, axis=0))
        low, high = value - 2 * error, value + 2 * error
        if name == "k_dih":
            low = np.maximum(low, 0.0)
        if name == "gamma_dih":
            error, low, high = (np.full(2, np.nan) for _ in range(3))
        ours = found.get(name)
        got = [np.nan] if ours is None else np.nan_to_num([ours.standard_error, ours.low, ours.high], nan=-9)
        yield at_most(f"error of {name}", relative(got, np.nan_to_num([error, low, high], nan=-9)), 1e-9, "relative")


def _coefficients_of(given: dict[str, float | list[float]]) -> Array:
    """Coefficients of these parameters, epsilon = epsilon_ex = 1, sigma = 3 and sigma_ex = 3.5."""
    k, gamma = np.array(given["k_dih"]), np.array(given["gamma_dih"])
    bond = [given["kr"], np.multiply(given["kr"], given["r0"])]
    return np.concatenate([bond, given["a"], given["b"], k * np.cos(gamma), k * np.sin(gamma), [3.0**4, 3.5**4]])


def _parameters_of(c: Array) -> dict[str, Array]:
    """The parameters that coefficients (..., 10) determine."""
    cosine, sine = c[..., 4:6], c[..., 6:8]
    return {
        "kr": c[..., 0],
        "r0": c[..., 1] / c[..., 0],
        "a": c[..., 2:3],
        "b": c[..., 3:4],
        "k_dih": np.hypot(cosine, sine),
        "gamma_dih": np.arctan2(sine, cosine),
        "epsilon": c[..., 8] / 3.0**4,
        "epsilon_ex": c[..., 9] / 3.5**4,
    }
