"""Data in which several proteins, gaps, blocks of frames or sources have the same problem, or one that is not the first
has it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from cgcore.judging import judge
from validation.admissible import KT_PER_KELVIN
from validation.check import Row, at_most, check
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import (
    BOND,
    FRAMES,
    KELVIN,
    LONG,
    Arrays,
    Wanted,
    chain,
    changed,
    equilibrium,
    findings,
    of,
    rows_of_each,
    with_bond,
)
from validation.stored.stored_frames import KJ_PER_KCAL
from validation.tolerances import relative

MANY, PARTS, SAMPLED = 16_000, 10, 500
"""Frames of three beads, more than are read at once; parts of a jackknife; frames from which the middle of each bond
is taken."""

EXACT = 1e-9
"""Tolerance of the same sums over 16 000 frames in another order (observed: 1e-12)."""


@check("findings-several", quick=True)
def findings_about_several(context: Context) -> Iterator[Row]:
    """Findings where several proteins, gaps, blocks of frames or sources have a problem, or not the first of them."""
    good = equilibrium()
    yield from _gaps(good)
    yield from _disorder()
    yield from _forces(good)
    yield from _sources(good)
    yield from _blocks()


def _gaps(good: Arrays) -> Iterator[Row]:
    """Two gaps of the long protein and one of the short one, found or declared; two odd bonds in one frame."""
    long, short = (tuple(rows.tolist()) for rows in rows_of_each())
    places = ((long, (2, 3)), (long, (6, 7)), (short, (4, 5)))
    apart = good
    for frames, (bead, _) in places:
        apart = with_bond(apart, frames, bead, 8.0)
    yield from findings("three gaps", of(apart), *(Wanted("wrong gap", *place) for place in places))
    numbers = np.arange(LONG) + 3 * (np.arange(LONG) > 2) + 3 * (np.arange(LONG) > 6)
    declared = [(rows, beads) for rows in (long, short) for beads in ((2, 3), (6, 7))]
    wanted = (Wanted("warning joined", *place) for place in declared)
    yield from findings("bonded beads that two gaps part", of(good | {"resid": numbers}), *wanted)
    both = with_bond(with_bond(good, long[9], 2, 1.5 * BOND[0]), long[9], 7, 1.7 * BOND[0])
    words = (f"1 of {FRAMES} frames has", f"remove frame {long[9]}")
    yield from findings("two odd bonds in a frame", of(both), Wanted("wrong bond", long[9:10], (7, 8), words))


def _disorder() -> Iterator[Row]:
    """Two proteins whose beads are not in the order of the chain."""
    rng, wanted = np.random.default_rng(3), []
    R, F, mask = np.zeros((48, 10, 3)), np.zeros((48, 10, 3)), np.zeros((48, 10))
    for first, order in ((0, [3, 0, 8, 5, 1, 9, 6, 2, 4, 7]), (24, [5, 2, 0, 7, 4, 1, 6, 3])):
        rows, beads = slice(first, first + 24), len(order)
        one = dict(zip("RF", chain(rng, 24, beads, 3.8, 0.1, 22.0), strict=True))
        tight = with_bond(one, np.arange(24), 2, 3.0 + rng.normal(scale=0.03, size=24))
        R[rows, :beads], F[rows, :beads], mask[rows, :beads] = tight["R"][:, order], tight["F"][:, order], 1
        places = tuple(sorted((order.index(2), order.index(3))))
        wanted.append(Wanted("wrong order", tuple(range(first, first + 24)), places))
    yield from findings("two proteins in disorder", of({"R": R, "F": F, "mask": mask}), *wanted)


def _forces(good: Arrays) -> Iterator[Row]:
    """A protein with few frames before one with a broken frame; a warning before what is wrong."""
    long, short = rows_of_each()
    rows = np.concatenate([long[:5], short])  # the first protein has fewer frames than are judged
    few = {key: good[key][rows] for key in ("R", "F", "mask")}
    wanted = Wanted("wrong large forces", (17,), (), ("forces of frame 17",))
    yield from findings("a protein of few frames first", of(changed(few, "F", 17, 300 * few["F"][17])), wanted)
    F = KJ_PER_KCAL * good["F"]
    odd = with_bond(good | {"F": F}, long[3], 2, 1.6 * BOND[0])
    wanted = (Wanted("wrong bond", (int(long[3]),), (2, 3)), Wanted("wrong unit"))
    yield from findings("an odd bond, and forces in another unit", of(odd), *wanted)
    F[long[4], 3], F[long[8]] = 0.0, F[long[2]]
    wanted = (Wanted("wrong repeated forces", (int(long[8]),)), Wanted("warning zero beads", (int(long[4]),)))
    yield from findings("forces missing and repeated, in another unit", of(good | {"F": F}), *wanted)


def _sources(good: Arrays) -> Iterator[Row]:
    """Three sources, of which the last differs, or repeats a frame of the second; temperatures of some or of each."""
    second, third = equilibrium(1), equilibrium(2)
    again = changed(third, "R", [5], second["R"][[47]])
    words = ("frame 5 has the positions of frame 47 of b; 1 of 270 frames",)
    wanted = Wanted("warning duplicates", (5,), (), words, "c")
    yield from findings("a frame of the second source", _joined(a=good, b=second, c=again), wanted)

    stiff = [dict(zip("RF", chain(np.random.default_rng(k), 60, LONG, 3.8, 0.06, 6.0), strict=True)) for k in range(3)]
    a, b, c = ({"R": one["R"], "F": factor * one["F"]} for one, factor in zip(stiff, (1.0, 1.1, 1.9), strict=True))
    disagree = Wanted("warning sources", (), (), ("a and c disagree",), "")
    yield from findings("the last source of three", _joined(a=a, b=b, c=c), disagree)
    known, unknown = a | {"temperature": KELVIN}, c
    yield from findings("a temperature of the first alone", _joined(a=known, c=unknown), disagree)
    noise = disagree._replace(words=("b and a disagree",))
    noisy = {"R": second["R"], "F": 0.3 * second["F"], "mask": second["mask"]}
    yield from findings("noise, a temperature of the first alone", _joined(a=good, b=noisy), noise)
    yield from findings("temperatures of one source", _joined(a=known, b=b))
    warm = b | {"temperature": KELVIN + 10}
    words = (f"(a {KELVIN:g} K; b {KELVIN + 10:g} K)",)
    differ = Wanted("warning temperatures", (), (), words, "")
    yield from findings("temperatures of two sources of three", _joined(a=known, c=stiff[2], b=warm), differ)
    four = a | {"temperature": np.repeat([310.0, 330.0, 300.0, 340.0], 15)}
    words = (f"(a 300, 310, 330 K; b {KELVIN + 10:g} K)",)
    yield from findings("four temperatures", _joined(a=four, b=warm), differ._replace(words=words))

    single, longer = b | {"chain": np.arange(LONG)}, c | {"R": 1.2 * c["R"], "F": c["F"] / 1.9}
    lengths = Wanted("warning bond lengths", (), (), ("a and c disagree",), "")
    yield from findings("a source without bonds", _joined(a=a, b=single, c=longer), lengths)

    for name, arrays, one in zip("ab", (known, warm), judge(_joined(a=known, b=warm)).sources, strict=True):
        r = np.linalg.norm(np.diff(arrays["R"], axis=1), axis=-1)
        kT = KT_PER_KELVIN * arrays["temperature"]
        expected, found = np.mean((r - np.median(r, axis=0)) ** 2) / kT, one.ratio
        assert found is not None
        yield at_most(f"var(r) / kT of source {name}", relative(found.value / found.kr, expected), EXACT, "relative")


def _joined(**sources: Arrays) -> cgcore.Dataset:
    """A data set of these sources."""
    frames = tuple(cgcore.from_arrays(**arrays, name=name).sources[0] for name, arrays in sources.items())
    return cgcore.Dataset(frames, "several", "", (), "angstrom-kcal")


def _blocks() -> Iterator[Row]:
    """Bonds of frames that are read in several blocks: odd ones, a gap that is none, and the error of their stiffness
    from parts of the frames."""
    R, F = chain(np.random.default_rng(6), MANY, 3, 3.8, 0.06, 22.0)
    found = judge(of({"R": R, "F": F})).sources[0].ratio
    assert found is not None
    value, error = _jackknife(R, F)
    yield at_most("kr var(r) of all blocks", relative(found.value, value), EXACT, "relative")
    yield at_most("its error", relative(found.error, error), EXACT, "relative")
    odd = (3, 9000, MANY - 5)
    arrays = with_bond({"R": R, "F": F, "resid": np.array([1, 2, 6])}, odd, 0, 6.0)
    wanted = (Wanted("wrong bond", odd, (0, 1)), Wanted("warning joined", tuple(range(1000)), (1, 2)))
    yield from findings("odd bonds of all blocks", of(arrays), *wanted)


def _jackknife(R: Array, F: Array) -> tuple[float, float]:
    """kr var(r) / kT at 300 K by a regression of forces on stretches, and its error without each part of the frames."""
    steps = np.diff(R, axis=1)
    r = np.linalg.norm(steps, axis=-1)
    sampled = np.linspace(0, MANY - 1, SAMPLED).astype(int)
    stretch = r - np.median(r[sampled], axis=0)
    X = np.zeros((*R.shape, 2))
    for bond in range(2):
        pull = (steps[:, bond] / r[:, [bond]])[..., None] * np.stack([stretch[:, bond], np.ones(MANY)], -1)[:, None]
        X[:, bond] += pull
        X[:, bond + 1] -= pull

    def fitted(kept: Array) -> float:
        A = X[kept].reshape(-1, 2)
        c = np.linalg.solve(A.T @ A, A.T @ F[kept].ravel())
        return float(c[0] * np.mean(stretch[kept] ** 2) / (KT_PER_KELVIN * 300.0))

    part = np.repeat(np.arange(PARTS), MANY // PARTS)
    without = np.array([fitted(part != k) for k in range(PARTS)])
    return fitted(part >= 0), float(np.sqrt((PARTS - 1) * np.var(without)))
